// infer_unet as a user runs it.

#include "core/atomic_file.h"
#include "core/formats/npy.h"
#include "data/image_io.h"
#include "tests/catch.h"
#include "tests/tools/infer_fixture.h"

using namespace weft;
using namespace weft::test;
namespace fs = std::filesystem;

TEST_CASE("a folder becomes masks and the rest, each of its picture's own size", "[tools]") {
  const InferFixture f;
  const ProgramResult run = f.infer({f.photos, "--out", f.out, "--write", "mask,overlay,cutout,panel,prob,logits"});
  CHECK(run.status == 0);
  CHECK_THAT(run.out, Contains("a.png -> ") && Contains("c.mask.png") && Contains("% clothing"));
  for (auto [stem, width, height] : {std::tuple{"a", 40, 70}, {"b", 64, 64}, {"c", 100, 30}}) {
    const std::string base = f.out + "/" + stem;
    const Image mask = load_label_mask(base + ".mask.png");
    CHECK(mask.width == width);
    CHECK(mask.height == height);
    for (std::uint8_t v : mask.pixels) REQUIRE((v == 0 || v == 255));
    CHECK(load_image(base + ".overlay.png").height == height);
    CHECK(load_image(base + ".cutout.png").width == width);
    CHECK(load_image(base + ".panel.png").width == 3 * width + 16);
    CHECK(load_label_mask(base + ".prob.png").width == width);
    CHECK(NpyFile(base + ".logits.npy").shape() == std::vector<std::int64_t>{64, 64});
  }
  // A second run over a folder that holds outputs takes only the photographs.
  for (const auto& entry : fs::directory_iterator(f.out)) fs::copy(entry.path(), f.photos);
  const ProgramResult again = f.infer({f.photos, "--out", f.out});
  CHECK(std::count(again.out.begin(), again.out.end(), '\n') == 3);
}

TEST_CASE("pictures of one pixel and of one long strip", "[tools]") {
  const InferFixture f;
  fs::create_directories(f.out);
  for (auto [width, height] : {std::pair{1, 1}, {33, 4097}, {4097, 33}}) {
    save_png(f.photo("odd"), noise(width, height, 4));
    for (const char* size : {"model", "native"}) {
      INFO(width << " x " << height << " at " << size);
      const ProgramResult run =
          f.infer({f.photo("odd"), "--out", f.out, "--size", size, "--write", "mask,overlay,cutout,prob"});
      CHECK(run.status == 0);
      CHECK(run.err.empty());
      const Image mask = load_label_mask(f.out + "/odd.mask.png");
      CHECK(mask.width == width);
      CHECK(mask.height == height);
    }
  }
}

TEST_CASE("one picture goes to one file", "[tools]") {
  const InferFixture f;
  const std::string target = (f.folder / "m.png").string();
  CHECK(f.infer({f.photo("a"), "-o", target}).status == 0);
  CHECK(load_label_mask(target).width == 40);
  CHECK(f.infer({f.photo("a"), f.photo("b"), "-o", target}).status == 2);
  CHECK(f.infer({f.photo("a"), "-o", target, "--out", f.out}).status == 2);
}

TEST_CASE("sizes: the model's, one number, two, native; nothing else", "[tools]") {
  const InferFixture f;
  const auto logits_shape = [&](const std::string& size) {
    CHECK(f.infer({f.photo("c"), "--size", size, "--out", f.out, "--write", "logits"}).status == 0);
    return NpyFile(f.out + "/c.logits.npy").shape();
  };
  CHECK(logits_shape("96") == std::vector<std::int64_t>{96, 96});
  CHECK(logits_shape("32x96") == std::vector<std::int64_t>{32, 96});
  CHECK(logits_shape("native") == std::vector<std::int64_t>{32, 128});
  for (const char* wrong : {"100", "0", "-32", "64x", "64x64x64", "big", "9999999999"}) {
    const ProgramResult run = f.infer({f.photo("c"), "--size", wrong, "--out", f.out});
    INFO(wrong);
    CHECK(run.status == 2);
    CHECK_THAT(run.err, Contains("--size expects N or HxW in multiples of 32, or 'native'"));
  }
}

TEST_CASE("a picture that fails is named, and the others go on", "[tools]") {
  const InferFixture f;
  write_file(f.photo("b"), "not a picture");
  const ProgramResult run = f.infer({f.photos, f.photos + "/missing.jpg", "--out", f.out});
  CHECK(run.status == 1);
  CHECK_THAT(run.err, Contains("b.png") && Contains("missing.jpg") && Contains("error: 2 of 4 pictures failed"));
  CHECK(fs::exists(f.out + "/a.mask.png"));
  CHECK(fs::exists(f.out + "/c.mask.png"));
  CHECK_FALSE(fs::exists(f.out + "/b.mask.png"));
}

TEST_CASE("three threads take pictures side by side or in groups, and make what one makes", "[tools]") {
  const InferFixture f;
  for (const char* stem : {"d", "e", "f", "g"}) save_png(f.photo(stem), noise(50 + stem[0] % 7, 60, stem[0]));
  write_file(f.photo("b"), "not a picture");
  // Six pictures side by side, the seventh with the threads in one team; and all in groups, as sizes differ.
  for (const char* size : {"model", "native"}) {
    INFO(size);
    const std::string out = f.out + size;
    const ProgramResult alone = f.infer({f.photos, "--size", size, "--out", out + "1"}),
                        shared = f.infer({f.photos, "--size", size, "--out", out}, "", 3);
    CHECK(shared.status == 1);
    CHECK(shared.err == alone.err);  // one picture of seven failed
    CHECK(std::count(shared.out.begin(), shared.out.end(), '\n') == 6);
    CHECK(shared.out.find("a.png -> ") < shared.out.find("c.png -> "));
    CHECK(shared.out.find("f.png -> ") < shared.out.find("g.png -> "));
    for (const char* stem : {"a", "c", "d", "e", "f", "g"}) {
      const std::string name = std::string("/") + stem + ".mask.png";
      CHECK(load_label_mask(out + name).pixels == load_label_mask(out + "1" + name).pixels);
    }
  }
}

TEST_CASE("what can't work is one line and status 1", "[tools]") {
  const InferFixture f;
  const auto one_line = [](const ProgramResult& run, const std::string& text) {
    CHECK(run.status == 1);
    CHECK_THAT(run.err, Contains("error: ") && Contains(text));
    CHECK(std::count(run.err.begin(), run.err.end(), '\n') == 1);
  };
  one_line(run_program("infer_unet", {f.photos, "--model", f.photo("a")}), "a.png");
  one_line(run_program("infer_unet", {f.photos, "--model", f.model, "--arch", "resnet34"}),
           "the model is a resnet18, not a resnet34");
  one_line(f.infer({f.photos, "--out", f.photo("a") + "/x"}), "cannot make this folder");
  fs::create_directories(f.folder / "empty");
  one_line(f.infer({(f.folder / "empty").string()}), "no pictures");
  write_file(f.photo("b"), "not a picture");
  one_line(f.infer({f.photo("b")}), "no picture that weft reads (text)");  // and not that 1 of 1 failed
  CHECK(f.infer({}).status == 2);
  CHECK(f.infer({f.photo("a"), "--write", "poster"}).status == 2);
}

TEST_CASE("an output that is an input is refused before anything is written", "[tools]") {
  const InferFixture f;
  const std::string before = read_text(f.photo("a")), model_before = read_text(f.model);
  fs::create_symlink(f.photo("a"), f.folder / "link.png");
  fs::create_hard_link(f.photo("a"), f.folder / "hard.png");
  const std::vector<std::vector<std::string>> same = {{f.photo("a"), "-o", f.photo("a")},
                                                      {f.photo("a"), "-o", f.photos + "/./a.png"},
                                                      {f.photo("a"), "-o", (f.folder / "link.png").string()},
                                                      {(f.folder / "link.png").string(), "-o", f.photo("a")},
                                                      {f.photo("a"), "-o", (f.folder / "hard.png").string()},
                                                      {f.photo("a"), "-o", f.model}};
  for (std::vector<std::string> arguments : same) {
    for (const char* kind : {"mask", "cutout", "logits"}) {
      INFO(arguments[0] << " -> " << arguments[2] << ", " << kind);
      std::vector<std::string> full = arguments;
      full.insert(full.end(), {"--write", kind, "--overwrite"});
      const ProgramResult run = f.infer(full);
      CHECK(run.status == 1);
      CHECK_THAT(run.err, Contains("not written: this file is read in the same run"));
      CHECK(read_text(f.photo("a")) == before);
      CHECK(read_text(f.model) == model_before);
      CHECK(fs::is_symlink(f.folder / "link.png"));
    }
  }
  // By way of --out: a photograph called as the mask of another. That one is named, the others go on.
  fs::rename(f.photo("b"), f.photo("a.mask"));
  const std::string photograph = read_text(f.photo("a.mask"));
  const ProgramResult run = f.infer({f.photo("a"), f.photo("a.mask"), f.photo("c"), "--out", f.photos});
  CHECK(run.status == 1);
  CHECK_THAT(run.err, Contains("a.mask.png: not written: this file is read in the same run"));
  CHECK(read_text(f.photo("a.mask")) == photograph);
  CHECK(fs::exists(f.photo("a.mask.mask")));
  CHECK(fs::exists(f.photo("c.mask")));
}

TEST_CASE("a file that weft did not write is replaced only with --overwrite, weft's own always", "[tools]") {
  const InferFixture f;
  fs::create_directories(f.out);
  for (const char* kind : {"mask", "logits"}) {
    const std::string target = f.out + "/a." + kind + (kind[0] == 'm' ? ".png" : ".npy");
    INFO(target);
    // A picture as another program leaves it: weft's own, with the note renamed.
    std::string foreign = read_text(f.photo("b"));
    foreign.replace(foreign.find("Software"), 8, "Softwear");
    write_file(target, foreign);
    const ProgramResult refused = f.infer({f.photo("a"), "--out", f.out, "--write", kind});
    CHECK(refused.status == 1);
    CHECK_THAT(refused.err, Contains("the file exists and is not weft's; --overwrite replaces it"));
    CHECK(read_text(target) == foreign);
    CHECK(f.infer({f.photo("a"), "--out", f.out, "--write", kind, "--overwrite"}).status == 0);
    const std::string written = read_text(target);
    CHECK(written != foreign);
    CHECK(f.infer({f.photo("a"), "--out", f.out, "--write", kind}).status == 0);
    CHECK(read_text(target) == written);
  }
}

TEST_CASE("a full disk leaves what was there and no half-written file", "[tools]") {
  const InferFixture f;
  fs::create_directories(f.out);
  write_file(f.out + "/a.logits.npy", "old");
  // A limit on the size of files stands in for a full disk; the signal that comes with it is ignored.
  const ProgramResult run = f.infer({f.photo("a"), "--out", f.out, "--write", "logits", "--size", "64", "--overwrite"},
                                    "trap '' XFSZ; ulimit -f 4;");
  CHECK(run.status == 1);
  CHECK_THAT(run.err, Contains("a.logits.npy: cannot write") && Contains("intact"));
  CHECK(read_text(f.out + "/a.logits.npy") == "old");
  CHECK(std::distance(fs::directory_iterator(f.out), fs::directory_iterator()) == 1);
}

TEST_CASE("a reader of stdout that has gone stops no work, and is an error in the end", "[tools]") {
  const InferFixture f;
  const ProgramResult run =
      run_command("{ '" + std::string(WEFT_BIN_DIR) + "/infer_unet' '" + f.photos + "' --model '" + f.model +
                  "' --threads 1 --out '" + f.out + "'; echo $? > '" + f.out + ".status'; } | true");
  CHECK(run.err == "error: cannot write the results to stdout\n");
  CHECK(read_text(f.out + ".status") == "1\n");
  for (const char* stem : {"a", "b", "c"}) CHECK(fs::exists(f.out + "/" + stem + ".mask.png"));
}
