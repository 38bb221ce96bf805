#include "train/config.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace weft;

// A seed that lacks a setting is refused before anything else is looked at, and so is all that a fuzzer makes of it.
TEST_CASE("the fuzzer's seeds have all settings", "[train]") {
  for (const char* seed : {"default", "other"}) {
    const std::string path = std::string("tests/fuzz/corpus/config/") + seed;
    CHECK_NOTHROW(config_from_json(nlohmann::json::parse(test::read_text(path)), path));
  }
}

TEST_CASE("settings survive json", "[train]") {
  TrainConfig c;
  c.network.upsample = Upsample::bilinear;
  c.schedule = ScheduleKind::cosine;
  c.learning_rate = 1e-4 / 3;
  c.shuffle = false;
  const TrainConfig back = config_from_json(nlohmann::json::parse(to_json(c).dump(2)), "config.json");
  CHECK(to_json(back) == to_json(c));
  CHECK(back.learning_rate == c.learning_rate);

  nlohmann::json j = to_json(c);
  j["colour"] = 1;
  CHECK_THROWS_WITH(config_from_json(j, "config.json"), Contains("config.json: unknown setting 'colour'"));
  j.erase("colour");
  j["batch"] = "four";
  CHECK_THROWS_WITH(config_from_json(j, "config.json"), Contains("'batch' has the wrong type"));
  j["batch"] = 2e56;
  CHECK_THROWS_WITH(config_from_json(j, "config.json"), Contains("'batch' has the wrong type"));
  j.erase("batch");
  CHECK_THROWS_WITH(config_from_json(j, "config.json"), Contains("'batch' is missing"));
}

TEST_CASE("a continuation may raise the epochs and nothing else that matters", "[train]") {
  const TrainConfig run;
  TrainConfig c = run;
  c.epochs = 20;
  c.max_steps = 7;
  c.data = "elsewhere";
  CHECK(differences(c, run).empty());
  c.batch = 8;
  c.network.arch = "resnet34";
  const auto found = differences(c, run);
  REQUIRE(found.size() == 2);
  CHECK(found[0] == "arch is \"resnet34\", the run was started with \"mobilenet_v2\"");
  CHECK(found[1] == "batch is 8, the run was started with 4");
  c = run;
  c.epochs = 9;
  REQUIRE(differences(c, run).size() == 1);
  CHECK_THAT(differences(c, run)[0], Contains("epochs is 9, the run was started with 10 (it may be raised;"));
}

TEST_CASE("what only steers the steps to come may be changed where that is allowed", "[train]") {
  const TrainConfig run;
  TrainConfig c = run;
  CHECK(changes(c, run).empty());
  c.learning_rate = 5e-5;
  c.schedule = ScheduleKind::cosine;
  c.epochs = 8;
  REQUIRE(differences(c, run).size() == 3);
  CHECK(differences(c, run)[0] == "lr is 5e-05, the run was started with 0.0001 (--allow-change permits it)");
  CHECK(differences(c, run, true).empty());
  CHECK(changes(c, run).dump() == R"({"epochs":[10,8],"lr":[0.0001,5e-05],"schedule":["constant","cosine"]})");
  c.size = 256;
  c.optimizer.kind = OptimizerKind::sgd;
  REQUIRE(differences(c, run, true).size() == 2);
  CHECK(differences(c, run, true)[0] == "size is 256, the run was started with 512");
}

TEST_CASE("settings of an earlier version lack the newer ones", "[train]") {
  nlohmann::json j = to_json(TrainConfig());
  for (const char* name : {"mask_suffix", "mask_ext", "mask_threshold", "threshold"}) j.erase(name);
  const TrainConfig c = config_from_json(j, "config.json");
  CHECK(c.mask_rules == MaskRules());
  CHECK(c.threshold == 0.5);
  j["threshold"] = 0.4;
  CHECK(config_from_json(j, "config.json").threshold == 0.4);
}

TEST_CASE("settings that make no sense are named", "[train]") {
  const auto message = [](auto change) {
    TrainConfig c;
    change(c);
    try {
      check_config(c);
      return std::string("accepted");
    } catch (const std::exception& error) {
      return std::string(error.what());
    }
  };
  CHECK(message([](TrainConfig&) {}) == "accepted");
  CHECK(message([](TrainConfig& c) { c.size = 500; }) ==
        "--size: expected a multiple of 32, got 500; the nearest are 480 and 512");
  CHECK(message([](TrainConfig& c) { c.fit = "crop"; }) ==
        "--fit: expected one of stretch, letterbox, area, got 'crop'");
  CHECK(message([](TrainConfig& c) { c.batch = 0; }) == "--batch: expected a whole number from 1 to 65536, got 0");
  CHECK_THAT(message([](TrainConfig& c) { c.learning_rate = 0; }), Contains("--lr: expected above 0"));
  CHECK_THAT(message([](TrainConfig& c) { c.dice_weight = c.bce_weight = 0; }),
             Contains("one of them must be above 0"));
  CHECK(message([](TrainConfig& c) { c.network.arch = "vgg16"; }) ==
        "--arch: expected one of mobilenet_v2, resnet18, resnet34, got 'vgg16'");
  CHECK(message([](TrainConfig& c) {
          c.network.decoder_channels = {8, 8};
        }) == "--decoder-channels: expected 5 numbers, got 2");
  CHECK_THAT(message([](TrainConfig& c) { c.val_list = "val.txt"; }), Contains("--val-list: give --train-list too"));
  CHECK_THAT(message([](TrainConfig& c) { c.init = "a.safetensors", c.encoder_weights = "b.safetensors"; }),
             Contains("leave --encoder-weights out"));
  CHECK_THAT(message([](TrainConfig& c) { c.checkpoint_minutes = INFINITY; }), Contains("--checkpoint-minutes"));
  CHECK_THAT(message([](TrainConfig& c) { c.threshold = NAN; }), Contains("--threshold: expected a probability"));
  CHECK_THAT(message([](TrainConfig& c) { c.mask_rules.threshold = 128; }),
             Contains("--mask-threshold: makes ids 0 and 1 of grey; label map 'atr' means others"));
  CHECK_THAT(message([](TrainConfig& c) { c.mask_rules.suffix = "/../x"; }),
             Contains("--mask-suffix: '/../x' is no part"));
  CHECK_THAT(message([](TrainConfig& c) { c.val_fraction = 1; }), Contains("below 1"));
}
