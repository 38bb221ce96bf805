#include <sys/mount.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "core/check.h"
#include "tests/catch.h"
#include "tests/tools/run_program.h"
#include "tests/train/tiny_data.h"

using namespace weft;
using namespace weft::test;

namespace {

namespace fs = std::filesystem;

/// train_unet's arguments for a run of two epochs of three steps on make_tiny_data(folder / "data", 10). An option in
/// `more` takes the place of the one here.
std::vector<std::string> arguments(const TemporaryFolder& folder, const std::string& out,
                                   const std::vector<std::string>& more = {}) {
  const fs::path data = folder / "data";
  const std::pair<std::string, std::string> defaults[] = {{"--data", data.string()},
                                                          {"--train-list", (data / "train.txt").string()},
                                                          {"--val-list", (data / "val.txt").string()},
                                                          {"--out", (folder / out).string()},
                                                          {"--size", "32"},
                                                          {"--batch", "3"},
                                                          {"--epochs", "2"},
                                                          {"--lr", "1e-3"},
                                                          {"--decoder-channels", "16,16,8,8,8"},
                                                          {"--checkpoint-steps", "1"},
                                                          {"--threads", "1"}};
  std::vector<std::string> all = more;
  for (const auto& [name, value] : defaults) {
    if (std::find(more.begin(), more.end(), name) == more.end()) all.insert(all.end(), {name, value});
  }
  return all;
}

ProgramResult train(const TemporaryFolder& folder, const std::string& out, const std::vector<std::string>& more = {},
                    const std::string& prepare = "") {
  return run_program("train_unet", arguments(folder, out, more), prepare);
}

/// The number of lines that begin with "error: ".
auto errors_in(const ProgramResult& result) {
  std::istringstream text(result.err);
  std::int64_t count = 0;
  for (std::string line; std::getline(text, line);) count += line.starts_with("error: ");
  return count;
}

/// Exit status 1 and one line that says `what`.
void check_fails(const ProgramResult& result, const std::string& what) {
  INFO(result.err);
  CHECK(result.status == 1);
  CHECK(errors_in(result) == 1);
  CHECK_THAT(result.err, Contains(what));
  CHECK(result.out.empty());
}

}  // namespace

TEST_CASE("train_unet from the command line", "[tools]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 10);

  SECTION("a run, its summary, and eval_unet on its model") {
    const ProgramResult result = train(folder, "run");
    INFO(result.err);
    REQUIRE(result.status == 0);
    CHECK_THAT(result.out, Contains("all epochs are done after 2 epochs, 6 steps") && Contains("best mIoU 0.") &&
                               Contains("best.safetensors") && Contains("time per step") && Contains("peak memory"));
    CHECK_THAT(result.err, Contains("8 pictures to train on, 2 to validate") && Contains("val loss") &&
                               Contains("the best so far"));

    const ProgramResult eval =
        run_program("eval_unet", {"--model", (folder / "run/best.safetensors").string(), "--data",
                                  (folder / "data").string(), "--list", (folder / "data/val.txt").string(), "--json",
                                  (folder / "e.json").string(), "--per-image", (folder / "e.csv").string()});
    INFO(eval.err);
    REQUIRE(eval.status == 0);
    const auto json = nlohmann::json::parse(read_text(folder / "e.json"));
    CHECK_THAT(result.out, Contains(fmt::format("best mIoU {:.4f}", json["miou"].get<double>())));
    CHECK_THAT(eval.out, Contains(fmt::format("mIoU {:.4f}", json["miou"].get<double>())) && Contains("Upper-clothes"));
    const std::string rows = read_text(folder / "e.csv");
    CHECK(std::count(rows.begin(), rows.end(), '\n') == 3);
    CHECK_THAT(rows, Contains("\np8,"));
    CHECK_THAT(eval.out, Contains("threshold 0.5\n"));

    const ProgramResult otherwise =
        run_program("eval_unet", {"--model", (folder / "run/best.safetensors").string(), "--data",
                                  (folder / "data").string(), "--list", (folder / "data/val.txt").string(), "--tta",
                                  "--threshold", "0.4", "--json", (folder / "mirrored.json").string()});
    CHECK_THAT(otherwise.out, Contains("threshold 0.4\n"));
    CHECK(nlohmann::json::parse(read_text(folder / "mirrored.json"))["loss"] != json["loss"]);  // of other logits

    const std::string page = read_text(folder / "run/report.html");
    CHECK_THAT(page, Contains("all epochs are done") && Contains("--decoder-channels 16,16,8,8,8") &&
                         Contains("How it learned"));
    REQUIRE(run_program("eval_unet", {"--model", (folder / "run/best.safetensors").string(), "--data",
                                      (folder / "data").string(), "--list", (folder / "data/val.txt").string(),
                                      "--stress", "noise", "--report", (folder / "judged").string()})
                .status == 0);
    const std::string judged = read_text(folder / "judged/report.html");
    CHECK_THAT(judged, Contains("Under stress") && Contains("noise") && Contains("Upper-clothes") &&
                           !Contains("How it learned") && Contains("eval_unet --model "));
  }

  SECTION("what is wrong with the data is named, and no folder is made for nothing") {
    const fs::path picture = folder / "data/JPEGImages/p1.png", mask = folder / "data/SegmentationClassAug/p1.png";
    const auto run = [&](const std::vector<std::string>& more = {}) {
      fs::remove_all(folder / "run");
      return train(folder, "run", more);
    };

    check_fails(run({"--data", "/nothing/here"}), "/nothing/here: no such folder");
    write_text(folder / "empty.txt", "\n\n");
    check_fails(run({"--train-list", (folder / "empty.txt").string()}), "empty.txt: the list is empty");
    check_fails(run({"--init", (folder / "data/train.txt").string()}), "train.txt: not a safetensors file");
    CHECK(!fs::exists(folder / "run"));

    Image ids(41, 47, 1);
    ids.pixels[5] = 99;
    save_png(mask, ids);
    check_fails(run(), "p1.png: id 99 is not in label map 'atr'");
    save_png(mask, Image(40, 47, 1));
    check_fails(run(), "the mask is 40 x 47, its picture");
    save_png(mask, Image(41, 47, 1));
    write_text(picture, read_text(picture).substr(0, 200));
    check_fails(run(), "p1.png: ");
  }

  SECTION("everything that is wrong with the data is named in one run") {
    const fs::path masks = folder / "data/SegmentationClassAug";
    fs::remove(masks / "p0.png");
    save_png(masks / "p3.png", Image(43, 45, 1, 99));
    save_png(masks / "p9.png", Image(10, 10, 1));
    const ProgramResult result = train(folder, "run");
    CHECK(result.status == 1);
    CHECK(errors_in(result) == 1);
    CHECK_THAT(result.err, Contains("p0.png: has no mask ") && Contains("p3.png: id 99 is not in label map 'atr'") &&
                               Contains("p9.png: the mask is 10 x 10, its picture ") && Contains("\nerror: ") &&
                               Contains("3 pictures or masks can't be used\n"));
    const ProgramResult eval =
        run_program("eval_unet", {"--model", WEFT_SOURCE_DIR "/models/pretrained/clothing-mobilenet_v2.safetensors",
                                  "--labels", "atr", "--data", (folder / "data").string()});
    CHECK(eval.status == 1);
    CHECK_THAT(eval.err,
               Contains("p0.png: has no mask") && Contains("p3.png: id 99") && Contains("3 pictures or masks"));
    CHECK(!fs::exists(folder / "run"));
  }

  SECTION("masks of black and white, called in another way") {
    fs::create_directories(folder / "shop/photos");
    for (int i = 0; i < 10; ++i) {
      Image ids = load_label_mask(folder / "data/SegmentationClassAug" / (stem_of(i) + ".png"));
      for (std::uint8_t& id : ids.pixels) id = id == 4 ? 250 : 3;
      fs::copy_file(folder / "data/JPEGImages" / (stem_of(i) + ".png"), folder / "shop/photos" / (stem_of(i) + ".png"));
      save_png(folder / "shop/photos" / (stem_of(i) + "_mask.png"), ids);
    }
    const ProgramResult result = train(folder, "run",
                                       {"--data", (folder / "shop").string(), "--images", "photos", "--masks", "photos",
                                        "--mask-suffix", "_mask", "--mask-threshold", "128", "--epochs", "1"});
    INFO(result.err);
    CHECK(result.status == 0);
    CHECK_THAT(result.err, Contains("8 pictures to train on, 2 to validate"));
    CHECK(nlohmann::json::parse(read_text(folder / "run/config.json"))["labels"] == "binary");
    const ProgramResult eval = run_program(
        "eval_unet", {"--model", (folder / "run/best.safetensors").string(), "--data", (folder / "shop").string(),
                      "--images", "photos", "--masks", "photos", "--mask-suffix", "_mask", "--mask-threshold", "128"});
    INFO(eval.err);
    CHECK(eval.status == 0);
    CHECK_THAT(eval.out, Contains("pictures 10\n"));
    CHECK(train(folder, "other", {"--mask-threshold", "128", "--labels", "atr"}).status == 2);
  }

  SECTION("--resume alone is enough, and --allow-change lets a run go on otherwise") {
    REQUIRE(train(folder, "run", {"--max-steps", "2", "--ema", "0.9"}).status == 0);
    REQUIRE(train(folder, "straight", {"--ema", "0.9"}).status == 0);
    const auto resume = [&](std::vector<std::string> more = {}) {
      more.insert(more.end(), {"--out", (folder / "run").string(), "--resume", "--threads", "1"});
      return run_program("train_unet", more);
    };
    CHECK_THAT(resume({"--lr", "1e-4"}).err, Contains("lr is 0.0001, the run was started with 0.001 (--allow-change"));
    const ProgramResult rest = resume({"--max-steps", "0"});
    INFO(rest.err);
    CHECK(rest.status == 0);
    CHECK_THAT(rest.err, Contains("continuing after step 2"));
    CHECK(read_text(folder / "run/last.safetensors") == read_text(folder / "straight/last.safetensors"));

    const ProgramResult other = resume({"--lr", "1e-4", "--schedule", "cosine", "--epochs", "3", "--allow-change"});
    INFO(other.err);
    CHECK(other.status == 0);
    CHECK_THAT(
        read_text(folder / "run/metrics.jsonl"),
        Contains(
            R"({"epoch":2,"step":6,"changed":{"epochs":[2,3],"lr":[0.001,0.0001],"schedule":["constant","cosine"]}})"));
    CHECK(resume().status == 0);

    const ProgramResult nothing = run_program("train_unet", {"--out", (folder / "empty").string(), "--resume"});
    CHECK(nothing.status == 2);
    CHECK_THAT(nothing.err, Contains("--data: is required; ") && Contains("empty holds no run to continue"));
    CHECK(run_program("train_unet", {"--out", (folder / "empty").string()}).status == 2);
    CHECK(train(folder, "empty", {"--allow-change"}).status == 2);
  }

  SECTION("a starting model brings its size, fit and threshold, and is epoch 0") {
    REQUIRE(
        train(folder, "run", {"--size", "64", "--fit", "letterbox", "--threshold", "0.4", "--epochs", "1"}).status ==
        0);
    const ProgramResult tuned = run_program(
        "train_unet", {"--data", (folder / "data").string(), "--train-list", (folder / "data/train.txt").string(),
                       "--val-list", (folder / "data/val.txt").string(), "--out", (folder / "tuned").string(), "--init",
                       (folder / "run/best.safetensors").string(), "--epochs", "1", "--threads", "1"});
    INFO(tuned.err);
    REQUIRE(tuned.status == 0);
    CHECK_THAT(tuned.err, Contains("best.safetensors: mobilenet_v2 at 64 x 64, letterbox, threshold 0.4") &&
                              Contains("the starting model\n") && Contains("      0/1         - "));
    const auto config = nlohmann::json::parse(read_text(folder / "tuned/config.json"));
    CHECK(config["size"] == 64);
    CHECK(config["fit"] == "letterbox");
    CHECK(config["threshold"] == 0.4);
    CHECK(config["decoder_channels"].dump() == "[16,16,8,8,8]");
    const ProgramResult eval = run_program(
        "eval_unet", {"--model", (folder / "tuned/last.safetensors").string(), "--data", (folder / "data").string()});
    CHECK_THAT(eval.out, Contains("threshold 0.4\n"));
  }

  SECTION("several models are compared") {
    REQUIRE(train(folder, "run", {"--epochs", "1"}).status == 0);
    REQUIRE(train(folder, "more", {"--epochs", "4", "--lr", "4e-3", "--labels", "atr"}).status == 0);
    const std::string a = (folder / "run/last.safetensors").string(), b = (folder / "more/last.safetensors").string();
    const auto judge = [&](std::vector<std::string> more) {
      more.insert(more.end(), {"--data", (folder / "data").string(), "--threads", "1"});
      return run_program("eval_unet", more);
    };
    const auto miou = [&](const std::string& model) {
      CHECK(judge({"--model", model, "--json", (folder / "one.json").string()}).status == 0);
      return nlohmann::json::parse(read_text(folder / "one.json"))["miou"].get<double>();
    };
    const ProgramResult both =
        judge({"--model", a, "--model", b, "--json", (folder / "both.json").string(), "--per-image",
               (folder / "both.csv").string(), "--report", (folder / "report").string()});
    INFO(both.err);
    REQUIRE(both.status == 0);
    const auto json = nlohmann::json::parse(read_text(folder / "both.json"));
    REQUIRE(json["models"].size() == 2);
    CHECK(json["models"][0]["miou"] == miou(a));
    CHECK(json["models"][1]["miou"] == miou(b));
    const auto& d = json["models"][1]["against_first"];
    CHECK(d["miou"].get<double>() == Approx(miou(b) - miou(a)).margin(1e-12));
    CHECK(d["low"].get<double>() <= d["miou"].get<double>());
    CHECK(d["miou"].get<double>() <= d["high"].get<double>());
    CHECK(!json["models"][0].contains("against_first"));
    CHECK_THAT(both.out,
               Contains(fmt::format("{:+.4f} (", d["miou"].get<double>())) && Contains("they differ most on\n"));
    const std::string rows = read_text(folder / "both.csv");
    CHECK(std::count(rows.begin(), rows.end(), '\n') == 21);
    const std::string page = read_text(folder / "report/report.html");
    CHECK_THAT(page, Contains("Side by side") && Contains("Where they differ most") && Contains("2 models on") &&
                         Contains("more/last.safetensors") && !Contains("How it learned"));

    const ProgramResult same = judge({"--model", a, "--model", a});
    CHECK_THAT(same.out, Contains("+0.0000 (+0.0000 to +0.0000)") && Contains("the models agree on every picture"));
    CHECK(judge({"--model", a, "--model", b, "--stress", "noise"}).status == 2);
  }

  SECTION("settings that make no sense are usage errors") {
    for (const std::vector<std::string>& wrong : {std::vector<std::string>{"--size", "40"},
                                                  {"--arch", "vgg16"},
                                                  {"--batch", "0"},
                                                  {"--nonsense"},
                                                  {"--lr", "fast"},
                                                  {"--fit", "crop"},
                                                  {"--schedule", "linear"},
                                                  {"--threads", "0"}}) {
      const ProgramResult result = train(folder, "run", wrong);
      INFO(result.err);
      CHECK(result.status == 2);
      CHECK(errors_in(result) == 1);
    }
    CHECK(!fs::exists(folder / "run"));
  }

  SECTION("a model of another architecture, another run's folder") {
    REQUIRE(train(folder, "run", {"--epochs", "1"}).status == 0);
    const std::string model = read_text(folder / "run/best.safetensors"),
                      checkpoint = read_text(folder / "run/checkpoint.safetensors");
    check_fails(train(folder, "other", {"--init", (folder / "run/best.safetensors").string(), "--arch", "resnet18"}),
                "best.safetensors: the model is a mobilenet_v2");
    check_fails(train(folder, "run"), "holds a run already; continue it with --resume");
    check_fails(train(folder, "run", {"--resume", "--seed", "1"}), "seed is 1, the run was started with 0");
    CHECK(read_text(folder / "run/best.safetensors") == model);
    CHECK(read_text(folder / "run/checkpoint.safetensors") == checkpoint);
    CHECK(train(folder, "next", {"--init", (folder / "run/best.safetensors").string(), "--epochs", "1"}).status == 0);
  }
}

TEST_CASE("a disk that fills up leaves the last checkpoint", "[tools]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 10);
  REQUIRE(train(folder, "run", {"--max-steps", "2"}).status == 0);
  const std::string checkpoint = read_text(folder / "run/checkpoint.safetensors");

  // A limit on the size of files stands for the full disk: write() fails in the middle of the file.
  const ProgramResult result = train(folder, "run", {"--resume"}, "trap '' XFSZ; ulimit -f 2000;");
  check_fails(result, "checkpoint.safetensors: cannot write: File too large; the file that was there is intact");
  CHECK(read_text(folder / "run/checkpoint.safetensors") == checkpoint);
  for (const auto& entry : fs::directory_iterator(folder / "run")) CHECK_THAT(entry.path().string(), !Contains(".tmp"));

  check_fails(train(folder, "data/train.txt"), "train.txt");  // a file where the folder should be
  check_fails(train(folder, "data/train.txt/run"), "cannot make the folder");

  fs::create_directories(folder / "small");
  if (::mount("none", (folder / "small").c_str(), "tmpfs", 0, "size=4m") != 0) {
    WARN("no right to mount a small file system: the full disk itself is not tried");
    return;
  }
  check_fails(train(folder, "small/run"), "No space left on device");
  ::umount((folder / "small").c_str());
}

TEST_CASE("a folder is trained into by one process at a time", "[tools]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 10);
  const pid_t first = start_program("train_unet", arguments(folder, "run", {"--epochs", "1000"}));
  for (int i = 0; i < 600 && !fs::exists(folder / "run/checkpoint.safetensors"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  check_fails(train(folder, "run", {"--resume", "--epochs", "1000"}), "another training is writing to this folder");

  // Ctrl-C: the step is finished, a checkpoint written, and the run can go on.
  ::kill(first, SIGINT);
  CHECK(wait_for(first) == 130);
  const ProgramResult next = train(folder, "run", {"--resume", "--epochs", "1000", "--max-steps", "1"});
  CHECK(next.status == 0);
  CHECK_THAT(next.err, Contains("continuing after step "));
}

TEST_CASE("Ctrl-C once finishes the step and saves, twice stops at once; neither loses what was saved", "[tools]") {
  const TemporaryFolder folder;
  // Two steps an epoch, each of a second or so: the second signal must come within one, not in a short validation.
  make_tiny_data(folder / "data", 18);
  const std::vector<std::string> options{"--size", "512", "--batch", "8", "--epochs", "3"};
  const auto start = [&](bool resume) {
    std::vector<std::string> all = arguments(folder, "run", options);
    if (resume) all.push_back("--resume");
    return start_program("train_unet", all, (folder / "err").string());
  };
  const auto wait_until = [&](const auto& is_true) {
    for (int i = 0; i < 12000 && !is_true(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return is_true();
  };
  const auto says = [&](const std::string& what) { return read_text(folder / "err").find(what) != std::string::npos; };
  const fs::path checkpoint = folder / "run/checkpoint.safetensors";

  const pid_t once = start(false);
  REQUIRE(wait_until([&] { return fs::exists(folder / "run/metrics.jsonl"); }));
  ::kill(once, SIGINT);
  CHECK(wait_for(once) == 130);
  CHECK(says("finishing the step"));
  CHECK(says("stopped after step 1 and saved; to go on:\n  train_unet "));
  CHECK(says(" --resume\n"));
  CHECK(!fs::exists(folder / "run/best.safetensors"));  // nothing was validated
  const std::string saved = read_text(checkpoint);

  const pid_t twice = start(true);
  REQUIRE(wait_until([&] { return says("continuing after step 1"); }));
  ::kill(twice, SIGINT);
  if (wait_until([&] { return says("finishing the step"); })) ::kill(twice, SIGINT);
  CHECK(wait_for(twice) == 130);
  CHECK(says("stopped at once"));
  CHECK(read_text(checkpoint) == saved);
  CHECK(
      train(folder, "run", {"--size", "512", "--batch", "8", "--epochs", "3", "--resume", "--max-steps", "1"}).status ==
      0);
}

TEST_CASE("a run killed at random moments ends with the same bytes", "[tools][.long]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 10);
  const std::vector<std::string> options{"--epochs", "6", "--ema", "0.9", "--schedule", "cosine"};
  REQUIRE(train(folder, "straight", options).status == 0);

  std::vector<std::string> resumed = options;
  resumed.push_back("--resume");
  Random random(5);
  int kills = 0;
  for (int attempt = 0; attempt < 200; ++attempt) {
    const pid_t child = start_program("train_unet", arguments(folder, "killed", resumed));
    // Some steps at first, then enough time to end, so that the loop does.
    std::this_thread::sleep_for(std::chrono::milliseconds(300 + attempt * 60 + static_cast<int>(random.below(600))));
    ::kill(child, SIGKILL);
    if (wait_for(child) == 0) break;
    ++kills;
  }
  CHECK(kills >= 3);
  REQUIRE(train(folder, "killed", resumed).status == 0);
  for (const char* file : {"checkpoint.safetensors", "last.safetensors", "best.safetensors"}) {
    CHECK(read_text(folder / "killed" / file) == read_text(folder / "straight" / file));
  }
}
