// infer_unet on folders, streams and names as people have them.

#include <algorithm>
#include <set>

#include "core/atomic_file.h"
#include "core/formats/npy.h"
#include "data/software_note.h"
#include "tests/catch.h"
#include "tests/tools/infer_fixture.h"

using namespace weft;
using namespace weft::test;
namespace fs = std::filesystem;

namespace {

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) names.insert(fs::relative(entry.path(), folder).string());
  }
  return names;
}

using Names = std::set<std::string>;

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

std::string encoded(const Image& image, OutputFormat format) { return encode_picture(image, format); }

}  // namespace

TEST_CASE("what a folder holds beside its pictures is counted at the end, by what it is", "[tools]") {
  const InferFixture f;
  const fs::path photos = f.photos;
  write_file(photos / "notes.txt", "hello");
  write_file(photos / "a.mp4", std::string("\0\0\0\x10"
                                           "ftypisom\0\0\0\0",
                                           16));
  write_file(photos / "b.MOV", std::string("\0\0\0\x10"
                                           "ftypqt  \0\0\0\0",
                                           16));
  write_file(photos / ".DS_Store", "x");
  write_file(photos / "._a.png", "resource fork");
  write_file(photos / "no_ending", encoded(noise(20, 30, 5), OutputFormat::jpeg));  // a picture by its content
  const ProgramResult run = f.infer({f.photos, "--out", f.out});
  CHECK(run.status == 0);
  CHECK(run.err == "3 passed over: 2 videos, 1 text\n");
  CHECK(names_in(f.out) == Names{"a.mask.png", "b.mask.png", "c.mask.png", "no_ending.mask.png"});

  // A folder called as a picture is a folder; a link to nowhere and a pipe are no pictures either.
  fs::create_directories(photos / "x.jpg");
  fs::create_symlink("nowhere.jpg", photos / "gone.jpg");
  REQUIRE(run_command("mkfifo " + shell_quoted((photos / "pipe.jpg").string())).status == 0);
  const ProgramResult more = f.infer({f.photos, "--out", f.out});
  CHECK(more.status == 0);
  CHECK(more.err ==
        "6 passed over: 2 videos, 1 device or pipe, 1 folder, 1 link to nowhere, 1 text; --recursive enters folders\n");

  // Nothing but what is passed over: one error, and the count.
  fs::create_directories(f.folder / "films");
  fs::copy(photos / "a.mp4", f.folder / "films");
  const ProgramResult none = f.infer({(f.folder / "films").string(), "--out", f.out});
  CHECK(none.status == 1);
  CHECK(none.err == "1 passed over: 1 video\nerror: " + (f.folder / "films").string() + ": no pictures\n");
}

TEST_CASE("a file with a picture's name that is none is an error by name", "[tools]") {
  const InferFixture f;
  write_file(f.photos + "/page.jpg", "<html>not found</html>");
  write_file(f.photos + "/nothing.jpg", "");
  const ProgramResult run = f.infer({f.photos, "--out", f.out});
  CHECK(run.status == 1);
  CHECK_THAT(run.err, Contains("page.jpg: no picture that weft reads (text)") &&
                          Contains("nothing.jpg: the file is empty") && Contains("error: 2 of 5 pictures failed"));
  CHECK(lines(run.err) == 3);
}

TEST_CASE("sub-folders with --recursive, mirrored in --out", "[tools]") {
  const InferFixture f;
  const fs::path photos = f.photos;
  fs::create_directories(photos / "summer" / "x.jpg");
  fs::create_directories(photos / ".thumbnails");
  fs::copy(photos / "a.png", photos / "summer" / "a.png");
  fs::copy(photos / "a.png", photos / "summer" / "x.jpg" / "deep.png");
  fs::copy(photos / "a.png", photos / ".thumbnails" / "a.png");
  fs::create_directory_symlink("..", photos / "summer" / "loop");
  const ProgramResult flat = f.infer({f.photos, "--out", f.out});
  CHECK(flat.status == 0);
  CHECK(flat.err == "1 passed over: 1 folder; --recursive enters folders\n");
  CHECK(names_in(f.out).size() == 3);

  const std::string inside =
      (photos / "masks").string();  // below what is listed: outputs are no inputs of the next run
  const Names expected{"a.mask.png", "b.mask.png", "c.mask.png", "summer/a.mask.png", "summer/x.jpg/deep.mask.png"};
  for (int round = 0; round < 2; ++round) {
    const ProgramResult run = f.infer({f.photos, "--recursive", "--out", inside});
    CHECK(run.status == 0);
    CHECK(lines(run.out) == 5);
    CHECK(names_in(inside) == expected);
  }
}

TEST_CASE("two pictures of one stem: the second keeps its ending, and a line says so", "[tools]") {
  const InferFixture f;
  write_file(f.photos + "/a.jpg", encoded(noise(33, 44, 6), OutputFormat::jpeg));
  const ProgramResult run = f.infer({f.photos, "--out", f.out});
  CHECK(run.status == 0);
  CHECK_THAT(run.err, Contains("note: " + f.photos + "/a.png: written as a.png.mask.png, since " + f.photos +
                               "/a.jpg has the same stem"));
  CHECK(lines(run.err) == 1);
  CHECK(names_in(f.out) == Names{"a.mask.png", "a.png.mask.png", "b.mask.png", "c.mask.png"});
  CHECK(load_label_mask(f.out + "/a.mask.png").width == 33);
  CHECK(load_label_mask(f.out + "/a.png.mask.png").width == 40);

  // The name that this makes is itself a picture's stem.
  write_file(f.photos + "/a.png.jpg", encoded(noise(11, 22, 6), OutputFormat::jpeg));
  const ProgramResult clash = f.infer({f.photos, "--out", f.out + "2"});
  CHECK(clash.status == 1);
  CHECK_THAT(clash.err, Contains("not written") && Contains("would write the same files"));
  CHECK(names_in(f.out + "2").size() == 4);
}

TEST_CASE("two pictures of one name into one folder are refused, the others go on", "[tools]") {
  const InferFixture f;
  const std::string twin = (f.folder / "twin").string();
  fs::create_directories(twin);
  fs::copy(f.photo("a"), twin);
  const ProgramResult run = f.infer({f.photos, twin, "--out", f.out});
  CHECK(run.status == 1);
  CHECK_THAT(run.err,
             Contains("error: " + f.photo("a") + ": not written: " + twin + "/a.png would write the same files") &&
                 Contains("error: " + twin + "/a.png: not written: " + f.photo("a")) &&
                 Contains("2 of 4 pictures failed"));
  CHECK(names_in(f.out) == Names{"b.mask.png", "c.mask.png"});
  // One file by two names on the command line is one picture.
  const ProgramResult same = f.infer({f.photos, f.photo("a"), f.photos + "/../photos/a.png", "--out", f.out});
  CHECK(same.status == 0);
  CHECK(lines(same.out) == 3);
}

TEST_CASE("without --out the outputs of a picture that is named lie beside it", "[tools]") {
  const InferFixture f;
  f.make_foreign("b");
  CHECK(f.infer({f.photo("a"), f.photo("b")}, "cd /;").status == 0);
  CHECK(fs::exists(f.photo("a.mask")));
  CHECK(fs::exists(f.photo("b.mask")));
  // Those of a folder's pictures in the current folder.
  fs::create_directories(f.out);
  CHECK(f.infer({f.photos}, "cd " + shell_quoted(f.out) + ";").status == 0);
  CHECK(names_in(f.out) == Names{"a.mask.png", "b.mask.png", "c.mask.png"});
}

TEST_CASE("--skip-existing goes on with a run", "[tools]") {
  const InferFixture f;
  CHECK(f.infer({f.photo("a"), "--out", f.out}).status == 0);
  const std::string foreign = "somebody's own";
  write_file(f.out + "/b.mask.png", foreign);  // not weft's: left as it is as well
  const auto before = fs::last_write_time(f.out + "/a.mask.png");
  const ProgramResult run = f.infer({f.photos, "--out", f.out, "--skip-existing"});
  CHECK(run.status == 0);
  CHECK(run.err == "2 skipped: their outputs are there\n");
  CHECK(lines(run.out) == 1);
  CHECK(fs::last_write_time(f.out + "/a.mask.png") == before);
  CHECK(read_text(f.out + "/b.mask.png") == foreign);
  // Of several kinds those are made that are missing.
  const ProgramResult more = f.infer({f.photo("a"), "--out", f.out, "--skip-existing", "--write", "mask,prob"});
  CHECK(more.status == 0);
  CHECK(fs::exists(f.out + "/a.prob.png"));
  CHECK(fs::last_write_time(f.out + "/a.mask.png") == before);
  CHECK(f.infer({f.photo("a"), "--out", f.out, "--skip-existing"}).err == "1 skipped: its output is there\n");
}

TEST_CASE("standard input and output", "[tools]") {
  const InferFixture f;
  CHECK(f.infer({f.photo("a"), "--out", f.out, "--write", "mask,cutout"}).status == 0);
  const std::string mask = read_text(f.out + "/a.mask.png"), cutout = read_text(f.out + "/a.cutout.png");
  const std::string from_a = "< " + shell_quoted(f.photo("a"));
  const auto piped = [&](const std::string& arguments) {
    return run_command("'" + std::string(WEFT_BIN_DIR) + "/infer_unet' --model " + shell_quoted(f.model) +
                       " --threads 1 " + arguments + " " + from_a);
  };
  for (const char* arguments : {"-", "- -o -"}) {
    const ProgramResult run = piped(arguments);
    CHECK(run.status == 0);
    CHECK((run.out == mask));  // and no bytes of it in a message
    CHECK(run.err.empty());
  }
  CHECK((piped("- -").out == cutout));  // as 'rembg i - -'
  CHECK((f.infer({f.photo("a"), "-o", "-"}).out == mask));
  CHECK(piped("- --out " + shell_quoted(f.out)).status == 0);
  CHECK((read_text(f.out + "/stdin.mask.png") == mask));
  const ProgramResult bad = run_command("echo hello | '" + std::string(WEFT_BIN_DIR) + "/infer_unet' --model " +
                                        shell_quoted(f.model) + " -");
  CHECK(bad.status == 1);
  CHECK(bad.err ==
        "error: stdin: no picture that weft reads (text); expected JPEG, PNG, WebP, HEIC, AVIF, BMP, GIF, TGA, "
        "PNM or PSD\n");
  CHECK(bad.out.empty());
  CHECK(f.infer({f.photo("a"), "-o", "-", "--write", "logits"}).status == 2);
  CHECK(f.infer({f.photo("a"), f.photo("b"), "-o", "-"}).status == 2);
}

TEST_CASE("an output's ending, or --format, says what is written", "[tools]") {
  const InferFixture f;
  const auto written = [&](const std::string& name, std::vector<std::string> more = {}) {
    const std::string target = (f.folder / name).string();
    more.insert(more.begin(), {f.photo("a"), "-o", target});
    const ProgramResult run = f.infer(more);
    INFO(run.err);
    CHECK(run.status == 0);
    CHECK(has_software_note(target));  // so that the next run may replace it
    return read_text(target);
  };
  CHECK(written("m.jpg").substr(0, 3) == "\xFF\xD8\xFF");
  CHECK(written("m.JPEG").substr(0, 3) == "\xFF\xD8\xFF");
  CHECK(written("m.webp").substr(8, 4) == "WEBP");
  CHECK(written("m.png").substr(1, 3) == "PNG");
  CHECK(written("m").substr(1, 3) == "PNG");
  CHECK(written("m.out", {"--format", "webp"}).substr(8, 4) == "WEBP");
  const ProgramResult unknown = f.infer({f.photo("a"), "-o", (f.folder / "m.tif").string()});
  CHECK(unknown.status == 2);
  CHECK_THAT(unknown.err, Contains("m.tif: weft writes .png, .jpg and .webp"));
  CHECK(f.infer({f.photo("a"), "-o", (f.folder / "n.png").string(), "--format", "jpg"}).status == 2);

  CHECK(f.infer({f.photos, "--out", f.out, "--format", "jpg", "--write", "mask,cutout,logits"}).status == 0);
  CHECK(names_in(f.out).contains("a.mask.jpg"));
  CHECK(names_in(f.out).contains("a.cutout.jpg"));
  CHECK(names_in(f.out).contains("a.logits.npy"));
  // Outputs in any format are no inputs.
  for (const auto& entry : fs::directory_iterator(f.out)) fs::copy(entry.path(), f.photos);
  CHECK(f.infer({f.photos, "--out", f.out}).err == "9 passed over: 9 outputs of an earlier run\n");
}

TEST_CASE("cut-outs on a background", "[tools]") {
  const InferFixture f;
  const auto cutout = [&](const std::string& name, std::vector<std::string> more = {}) {
    const std::string target = (f.folder / name).string();
    more.insert(more.begin(),
                {f.photo("a"), "-o", target, "--write", "cutout", "--threshold", "1"});  // all transparent
    CHECK(f.infer(more).status == 0);
    return load_photograph(target).image;
  };
  CHECK(cutout("c.png").channels == 4);
  CHECK(cutout("c.webp").channels == 4);
  const Image white = cutout("c.jpg"), red = cutout("r.png", {"--background", "#ff0000"});
  CHECK(white.channels == 3);
  CHECK(*white.at(3, 3) == 255);
  CHECK(red.channels == 3);
  CHECK(std::vector<std::uint8_t>(red.at(3, 3), red.at(3, 3) + 3) == std::vector<std::uint8_t>{255, 0, 0});
  CHECK(*cutout("b.jpg", {"--background", "black"}).at(3, 3) == 0);
  for (const char* wrong : {"#ff00", "#gg0000", "#ff00000", "mauve", "ff0000"}) {
    const ProgramResult run = f.infer({f.photo("a"), "--background", wrong});
    CHECK(run.status == 2);
    CHECK_THAT(run.err, Contains("--background expects #rrggbb"));
  }
}

TEST_CASE("'in.jpg out.png' is taken as other programs take it", "[tools]") {
  const InferFixture f;
  const std::string out = (f.folder / "out.png").string();
  const ProgramResult run = f.infer({f.photo("a"), out});
  CHECK(run.status == 0);
  CHECK_THAT(run.err, Contains("note: " + out + " is taken for the output, as with -o, and a cut-out is written"));
  CHECK(load_photograph(out).image.channels == 4);
  CHECK_FALSE(fs::exists(f.photo("a.mask")));
  // The second time it is there. It might be a picture that weft drew: nobody guesses.
  const std::string written = read_text(out);
  const ProgramResult again = f.infer({f.photo("a"), out});
  CHECK(again.status == 2);
  CHECK_THAT(again.err, Contains("is it to be written again, or another input? Say -o " + out + " or --out DIR"));
  CHECK((read_text(out) == written));
  CHECK(f.infer({f.photo("a"), "-o", out, "--write", "cutout"}).status == 0);
  CHECK(f.infer({f.photo("a"), (f.folder / "m.png").string(), "--write", "mask"}).status == 0);
  CHECK(load_label_mask(f.folder / "m.png").width == 40);
  // A second photograph is a photograph.
  CHECK(lines(f.infer({f.photo("a"), f.photo("b"), "--out", f.out}).out) == 2);
  f.make_foreign("b");
  const std::string before = read_text(f.photo("b"));
  CHECK(lines(f.infer({f.photo("a"), f.photo("b")}).out) == 2);
  CHECK((read_text(f.photo("b")) == before));
  // 'rembg p in out'.
  const ProgramResult folders = f.infer({f.photos, (f.folder / "cut").string()});
  CHECK(folders.status == 2);
  CHECK_THAT(folders.err, Contains("cut: no such picture or folder; a folder for what is written is named with --out"));
}

TEST_CASE("a threshold is a probability", "[tools]") {
  const InferFixture f;
  for (const char* wrong : {"nan", "inf", "-0.1", "1.1", "x", "0.5x"}) {
    for (const char* program : {"infer_unet", "eval_unet"}) {
      const std::string data = std::string(program) == "eval_unet" ? "--data" : "--out";
      const ProgramResult run =
          run_program(program, {"--model", f.model, data, f.photos, f.photo("a"), "--threshold", wrong});
      INFO(program << " --threshold " << wrong << ": " << run.err);
      CHECK(run.status == 2);
      CHECK(lines(run.err) == 1);
    }
  }
}

TEST_CASE("names of any length and with any bytes: one line each, no control characters, at most 1,000 bytes",
          "[tools]") {
  const InferFixture f;
  std::string deep = f.photos;
  for (int i = 0; i < 12; ++i) deep += "/" + std::string(200, static_cast<char>('a' + i));
  fs::create_directories(f.photos + "/evil");
  write_file(f.photos + "/evil/a\nerror: \x1b[2Jb.jpg", "no picture");
  const ProgramResult evil = f.infer({f.photos + "/evil", "--out", f.out});
  CHECK(evil.status == 1);
  CHECK(lines(evil.err) == 1);
  CHECK_THAT(evil.err, Contains("a\\x0aerror: \\x1b[2Jb.jpg"));
  const ProgramResult far = f.infer({deep + "/missing.jpg", "--out", f.out});
  CHECK(far.status == 1);
  CHECK(lines(far.err) == 1);
  CHECK(far.err.size() <= 1000);
  CHECK_THAT(far.err, Contains("cannot open"));
  const std::string name = "good\x1b[2J\n.png";
  fs::copy(f.photo("a"), f.photos + "/evil/" + name);
  const ProgramResult good = f.infer({f.photos + "/evil/" + name, "--out", f.out});
  CHECK(good.status == 0);
  CHECK(lines(good.out) == 1);
  CHECK(good.out.find('\x1b') == std::string::npos);
}

TEST_CASE("larger pictures than --max-pixels says are refused from their header", "[tools]") {
  const InferFixture f;
  write_file(f.photo("large"), encode_picture(Image(1500, 1000, 1, 9), OutputFormat::png));
  const ProgramResult run = f.infer({f.photo("large"), "--max-pixels", "1", "--out", f.out});
  CHECK(run.status == 1);
  CHECK_THAT(run.err, Contains("large.png: 1500 x 1000 are 2 megapixels, the limit is 1 (infer_unet --max-pixels)"));
  CHECK(f.infer({f.photo("large"), "--max-pixels", "2", "--out", f.out}).status == 0);
  CHECK(f.infer({f.photo("large"), "--max-pixels", "0", "--out", f.out}).status == 2);
}
