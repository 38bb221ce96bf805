#include "train/trainer.h"

#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/parallel.h"
#include "tests/catch.h"
#include "tests/train/tiny_data.h"
#include "train/evaluate.h"
#include "train/initial_network.h"
#include "train/training_data.h"

using namespace weft;
using namespace weft::test;

namespace {

/// These networks are too small to share out: one thread is fastest.
struct OneThread {
  OneThread() { set_num_threads(1); }
  ~OneThread() { set_num_threads(threads_before); }
  const int threads_before = num_threads();
};

/// Collects what a run tells, and asks it to stop after a step.
struct Recorder : TrainObserver {
  std::int64_t stop_after = -1;
  std::vector<StepRecord> steps;
  std::vector<ValidationRecord> validations;

  void step_ended(const StepRecord& record, std::int64_t) override { steps.push_back(record); }
  void validated(const ValidationRecord& record, bool) override { validations.push_back(record); }
  bool wants_stop() override { return !steps.empty() && steps.back().step == stop_after; }
};

TrainResult train(const TrainConfig& config, const std::filesystem::path& folder, bool resume,
                  std::int64_t stop_after = -1) {
  Recorder recorder;
  recorder.stop_after = stop_after;
  return Trainer(config, folder, resume, recorder).run();
}

/// The lines of metrics.jsonl without the times.
std::vector<nlohmann::json> log_of(const std::filesystem::path& folder) {
  std::istringstream text(read_text(folder / "metrics.jsonl"));
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(text, line);) {
    lines.push_back(nlohmann::json::parse(line));
    lines.back().erase("ms");
  }
  return lines;
}

std::string message_of(const TrainConfig& config, const std::filesystem::path& folder, bool resume = false) {
  try {
    train(config, folder, resume);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE_METHOD(OneThread, "training lowers the loss and finds the garment", "[train]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 8);
  TrainConfig config = tiny_config(folder / "data");
  config.augment = "none";
  config.epochs = 12;
  config.learning_rate = 4e-3;
  Recorder recorder;
  Trainer trainer(config, folder / "run", false, recorder);
  const TrainResult result = trainer.run();

  CHECK(result.end == TrainResult::End::all_epochs);
  REQUIRE(recorder.validations.size() == 12);
  REQUIRE(recorder.steps.size() == static_cast<std::size_t>(result.progress.steps));
  CHECK(recorder.steps.back().loss < 0.6 * recorder.steps.front().loss);
  CHECK(result.progress.best_mean_iou > 0.5);
  CHECK(result.progress.best_mean_iou ==
        recorder.validations[static_cast<std::size_t>(result.progress.best_epoch - 1)].mean_iou);

  // The saved model is the one that was judged.
  const Model best = load_model(folder / "run" / "best.safetensors");
  CHECK(best.info.label_map == "atr");
  CHECK(best.info.notes.at("epoch") == std::to_string(result.progress.best_epoch));
  const TrainingData data = find_training_data(config);
  CHECK(evaluate(*best.network, best.info, data.validation).metrics.mean_iou() == result.progress.best_mean_iou);

  CHECK(log_of(folder / "run").size() == recorder.steps.size() + recorder.validations.size());
  CHECK(log_of(folder / "run")[0]["loss"] == recorder.steps[0].loss);
  for (std::size_t i = 0; i < data.validation.size(); ++i) {
    CHECK(std::filesystem::exists(folder / "run" / "samples" / (data.validation.files(i).stem + ".png")));
  }
}

TEST_CASE_METHOD(OneThread, "a run that is stopped and continued gives the same bytes", "[train]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 10);  // steps of 3, 3 and 2 pictures
  TrainConfig config = tiny_config(folder / "data");
  config.augment = "strong";
  config.schedule = ScheduleKind::cosine;
  config.warmup = 2;
  config.ema = 0.9;
  config.freeze_encoder = 1;
  config.optimizer = {.kind = OptimizerKind::adamw, .weight_decay = 0.01};
  config.epochs = 3;
  train(config, folder / "straight", false);
  const auto straight = log_of(folder / "straight");
  const std::int64_t steps = straight.back()["step"].get<std::int64_t>(), epoch = steps / 3;
  REQUIRE(epoch >= 2);

  SECTION("wherever it is stopped: in an epoch, before a validation, twice") {
    for (const std::vector<std::int64_t>& stops : {std::vector<std::int64_t>{1}, {epoch}, {2 * epoch - 1, 3 * epoch}}) {
      const auto run = folder / fmt::format("stopped{}", stops[0]);
      for (const std::int64_t stop : stops) CHECK(train(config, run, true, stop).end == TrainResult::End::asked_to);
      CHECK(train(config, run, true).end == TrainResult::End::all_epochs);
      for (const char* file : {"checkpoint.safetensors", "last.safetensors", "best.safetensors", "config.json"}) {
        CHECK(read_text(run / file) == read_text(folder / "straight" / file));
      }
      CHECK(log_of(run) == straight);
    }
  }
  SECTION("with max_steps and other thread counts on the way") {
    const auto run = folder / "sliced";
    for (std::int64_t slice = 1; slice <= 3; ++slice) {
      set_num_threads(static_cast<int>(slice));
      TrainConfig part = config;
      part.max_steps = slice < 3 ? 3 * slice : 0;
      train(part, run, slice > 1);
    }
    CHECK(read_text(run / "last.safetensors") == read_text(folder / "straight" / "last.safetensors"));
    CHECK(log_of(run) == straight);
  }
}

TEST_CASE_METHOD(OneThread, "a frozen encoder stays to the bit, statistics included", "[train]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 4);
  TrainConfig config = tiny_config(folder / "data");
  config.freeze_encoder = 1;
  config.epochs = 1;
  config.val_list.clear();
  config.val_fraction = 0;
  Recorder recorder;
  Trainer trainer(config, folder / "run", false, recorder);
  std::vector<Tensor> before;
  for (const auto& [name, tensor] : trainer.network().state_dict()) before.push_back(tensor.clone());
  trainer.run();

  std::size_t i = 0, changed = 0;
  for (const auto& [name, tensor] : trainer.network().state_dict()) {
    const bool is_same =
        std::memcmp(tensor.raw_data(), before[i].raw_data(), static_cast<std::size_t>(tensor.bytes())) == 0;
    INFO(name);
    if (name.starts_with("encoder.")) CHECK(is_same);
    changed += !is_same;
    ++i;
  }
  CHECK(changed > 20);
  CHECK(!std::filesystem::exists(folder / "run" / "best.safetensors"));  // nothing was validated
  CHECK(std::filesystem::exists(folder / "run" / "last.safetensors"));
}

TEST_CASE_METHOD(OneThread, "the encoder learns at its own rate", "[train]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 4);
  TrainConfig config = tiny_config(folder / "data");
  config.max_steps = 1;
  const auto first_step = [&](double encoder_rate, const char* name, const char* run) {
    config.encoder_rate = encoder_rate;
    Recorder recorder;
    Trainer trainer(config, folder / run, false, recorder);
    const auto find = [&] {
      for (const auto& entry : trainer.network().named_parameters())
        if (entry.name == name) return entry.tensor.clone();
      fail("no parameter {}", name);
    };
    const Tensor before = find();
    trainer.run();
    return std::abs(static_cast<double>(find().values<float>()[0] - before.values<float>()[0]));
  };
  // Adam's first step is the rate, but for epsilon.
  CHECK(first_step(0.1, "segmentation_head.0.bias", "a") == Approx(config.learning_rate).epsilon(0.01));
  CHECK(first_step(0.1, "encoder.features.18.1.weight", "b") == Approx(0.1 * config.learning_rate).epsilon(0.05));
  CHECK(first_step(1, "encoder.features.18.1.weight", "c") == Approx(config.learning_rate).epsilon(0.05));
}

TEST_CASE_METHOD(OneThread, "the first batches follow the list, and the last short one is kept", "[train]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 5);
  write_text(folder / "list", "p3\np0\np4\np1\np2\n");
  TrainConfig config = tiny_config(folder / "data");
  config.train_list = (folder / "list").string();
  config.val_list.clear();
  config.val_fraction = 0;
  config.shuffle = false;
  config.epochs = 1;
  const TrainResult result = train(config, folder / "run", false);
  CHECK(result.progress.steps == 2);
  const TrainingData data = find_training_data(config);
  CHECK(data.training.files(0).stem == "p3");
  CHECK(data.validation.size() == 0);
}

TEST_CASE_METHOD(OneThread, "a last picture alone joins the batch before it where batch norm could not take it",
                 "[train]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 9);  // seven to train on
  TrainConfig config = tiny_config(folder / "data");
  config.epochs = 1;
  struct Notes : Recorder {
    std::string all;
    std::vector<std::int64_t> pictures;
    void note(const std::string& line) override { all += line + "\n"; }
    void step_ended(const StepRecord& record, std::int64_t done) override {
      Recorder::step_ended(record, done);
      pictures.push_back(done);
    }
  } notes;
  CHECK(Trainer(config, folder / "run", false, notes).run().progress.steps == 2);
  CHECK(notes.pictures == std::vector<std::int64_t>{3, 7});
  CHECK_THAT(notes.all, Contains("the last batch of an epoch has 4 pictures"));

  config.size = 64;  // whose deepest map has four pixels
  Notes plain;
  CHECK(Trainer(config, folder / "larger", false, plain).run().progress.steps == 3);
  CHECK(plain.pictures == std::vector<std::int64_t>{3, 6, 7});
  CHECK_THAT(plain.all, !Contains("the last batch"));

  config.size = 32;
  config.batch = 1;
  CHECK_THAT(message_of(config, folder / "single"),
             Contains("batch norm needs 2 pictures at once; there is one a batch; use --size 64 or --batch 2"));
  CHECK(!std::filesystem::exists(folder / "single"));
  config.freeze_encoder = 1;  // no batch norm of a single pixel trains
  CHECK(message_of(config, folder / "frozen") == "no error");
}

TEST_CASE_METHOD(OneThread, "a run's folder lists what it was trained on and what was held out", "[train]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 9);
  TrainConfig config = tiny_config(folder / "data");
  config.train_list = config.val_list = "";
  config.val_fraction = 0.4;
  config.size = 64;  // the last batch may be a single picture, of which a map of 1x1 would have no statistics
  config.epochs = 1;
  train(config, folder / "run", false);
  const TrainingData held_out = find_training_data(config);
  REQUIRE(held_out.validation.size() > 0);
  config.train_list = (folder / "run/train.txt").string();
  config.val_list = (folder / "run/val.txt").string();
  CHECK(find_training_data(config).digest() == held_out.digest());
}

TEST_CASE_METHOD(OneThread, "accumulated batches are a step", "[train]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 10);
  TrainConfig config = tiny_config(folder / "data");
  config.augment = "none";
  config.epochs = 2;

  SECTION("of the same weights as a large batch, where all pictures are the same one") {
    for (int i = 1; i < 10; ++i) {
      for (const char* part : {"JPEGImages", "SegmentationClassAug"}) {
        const auto place = folder / "data" / part;
        std::filesystem::copy_file(place / "p0.png", place / fmt::format("p{}.png", i),
                                   std::filesystem::copy_options::overwrite_existing);
      }
    }
    config.optimizer = {.kind = OptimizerKind::sgd};
    config.learning_rate = 0.1;
    config.size = 128;  // no map of one pixel, whose batch norm would divide rounding by rounding
    const auto losses = [&](std::int64_t batch, std::int64_t accumulate, const char* run) {
      config.batch = batch;
      config.accumulate = accumulate;
      Recorder recorder;
      Trainer(config, folder / run, false, recorder).run();
      REQUIRE(recorder.steps.size() == 2);
      return std::array{recorder.steps[0].loss, recorder.steps[1].loss};
    };
    const auto large = losses(8, 1, "large"), small = losses(3, 3, "small");  // 3 + 3 + 2 pictures
    CHECK(small[0] == Approx(large[0]).epsilon(1e-5));
    CHECK(small[1] == Approx(large[1]).epsilon(2e-2));  // unweighted gradients: 8 per cent off
    CHECK(large[1] < 0.9 * large[0]);
  }
  SECTION("weighted by their pictures") {
    config.learning_rate = 1e-30;  // the weights stay
    config.epochs = 1;
    config.shuffle = false;
    config.batch = 3;
    const auto losses = [&](std::int64_t accumulate, const char* run) {
      config.accumulate = accumulate;
      Recorder recorder;
      Trainer(config, folder / run, false, recorder).run();
      std::vector<double> result;
      for (const StepRecord& step : recorder.steps) result.push_back(step.loss);
      return result;
    };
    const auto apart = losses(1, "apart"), together = losses(3, "together");
    REQUIRE(apart.size() == 3);
    REQUIRE(together.size() == 1);
    CHECK(together[0] == Approx((3 * apart[0] + 3 * apart[1] + 2 * apart[2]) / 8).epsilon(1e-6));
    CHECK(together[0] != Approx((apart[0] + apart[1] + apart[2]) / 3).epsilon(1e-6));
  }
  SECTION("also where an epoch has some left over, and the run is stopped at any step and continued") {
    config.batch = 2;
    config.accumulate = 3;  // of four batches: three, then one
    CHECK(train(config, folder / "straight", false).progress.steps == 4);
    for (const std::int64_t stop : {1, 2, 3}) {
      const auto run = folder / fmt::format("stopped{}", stop);
      CHECK(train(config, run, true, stop).end == TrainResult::End::asked_to);
      train(config, run, true);
      CHECK(log_of(run) == log_of(folder / "straight"));
      CHECK(read_text(run / "last.safetensors") == read_text(folder / "straight" / "last.safetensors"));
    }
  }
}

TEST_CASE_METHOD(OneThread, "a run ends early where nothing gets better", "[train]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 4);
  TrainConfig config = tiny_config(folder / "data");
  config.learning_rate = 1e-12;
  config.epochs = 9;
  config.early_stop = 2;
  const TrainResult result = train(config, folder / "run", false);
  CHECK(result.end == TrainResult::End::early_stop);
  CHECK(result.progress.epochs_done < 9);
  CHECK(train(config, folder / "run", true).end == TrainResult::End::early_stop);  // and has nothing to add
}

TEST_CASE_METHOD(OneThread, "a folder that holds a run is not written over", "[train]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 5);
  TrainConfig config = tiny_config(folder / "data");
  config.epochs = 1;
  train(config, folder / "run", true);  // resume without a checkpoint starts
  const std::string checkpoint = read_text(folder / "run" / "checkpoint.safetensors");

  CHECK_THAT(message_of(config, folder / "run"), Contains("holds a run already; continue it with --resume"));
  TrainConfig other = config;
  other.batch = 2;
  other.learning_rate = 1;
  CHECK_THAT(message_of(other, folder / "run", true),
             Contains("batch is 2, the run was started with 3; lr is 1.0, the run was"));
  const std::string list = read_text(folder / "data" / "train.txt");
  write_text(folder / "data" / "train.txt", list + "p3\n");
  CHECK_THAT(message_of(config, folder / "run", true), Contains("other pictures: it was started with training 3 ("));
  CHECK(read_text(folder / "run" / "checkpoint.safetensors") == checkpoint);

  write_text(folder / "data" / "train.txt", list);
  struct Notes : TrainObserver {
    std::string all;
    void note(const std::string& line) override { all += line + "\n"; }
  } before, after;
  Trainer(config, folder / "run", true, before);
  CHECK_THAT(before.all, !Contains("have changed since the checkpoint"));
  std::filesystem::copy_file(folder / "data/JPEGImages/p0.png", folder / "other.png");
  save_png(folder / "data/JPEGImages/p0.png", Image(40, 48, 3));
  Trainer(config, folder / "run", true, after);
  CHECK_THAT(after.all, Contains("warning: pictures or masks have changed since the checkpoint"));
  std::filesystem::rename(folder / "other.png", folder / "data/JPEGImages/p0.png");

  config.epochs = 2;  // may be raised
  CHECK(train(config, folder / "run", true).progress.epochs_done == 2);

  const std::string best = read_text(folder / "run" / "best.safetensors");
  std::filesystem::remove(folder / "run" / "checkpoint.safetensors");
  CHECK_THAT(message_of(config, folder / "run", true), Contains("holds models, but no checkpoint to continue from"));
  CHECK(read_text(folder / "run" / "best.safetensors") == best);
}

TEST_CASE_METHOD(OneThread, "a run that ends between a model and its checkpoint goes on to the same bytes", "[train]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 8);
  TrainConfig config = tiny_config(folder / "data");
  config.max_steps = 3;
  train(config, folder / "straight", false);
  const auto check_same = [&] {
    for (const char* file : {"checkpoint.safetensors", "last.safetensors", "best.safetensors"})
      CHECK(read_text(folder / "run" / file) == read_text(folder / "straight" / file));
  };

  // The first epoch's best model is written, its checkpoint not yet.
  struct Killed : TrainObserver {
    void validated(const ValidationRecord&, bool) override { throw Error("killed"); }
  } killed;
  CHECK_THROWS_WITH(Trainer(config, folder / "run", false, killed).run(), "killed");
  CHECK(std::filesystem::exists(folder / "run" / "best.safetensors"));
  train(config, folder / "run", true);
  check_same();

  // The last checkpoint is written, its model not yet; and a run that is over has nothing to change.
  std::filesystem::remove(folder / "run" / "last.safetensors");
  train(config, folder / "run", true);
  check_same();
  train(config, folder / "run", true);
  check_same();
}

TEST_CASE_METHOD(OneThread, "a run that starts from a model judges it first, and keeps nothing worse as its best",
                 "[train]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 8);
  TrainConfig config = tiny_config(folder / "data");
  config.epochs = 12;
  config.learning_rate = 4e-3;
  train(config, folder / "first", false);
  const std::filesystem::path start = folder / "first/best.safetensors";
  const Model model = load_model(start);
  const double miou = evaluate(*model.network, model.info, find_training_data(config).validation).metrics.mean_iou();
  REQUIRE(miou > 0.1);

  config.init = start.string();
  config.epochs = 2;
  config.learning_rate = 3;  // ruins it
  Recorder recorder;
  const TrainResult result = Trainer(config, folder / "run", false, recorder).run();
  REQUIRE(recorder.validations.size() == 3);
  CHECK(recorder.validations[0].epoch == 0);
  CHECK(recorder.validations[0].step == 0);
  CHECK(recorder.validations[0].mean_iou == miou);
  CHECK(recorder.validations[2].mean_iou < miou);
  CHECK(result.progress.best_epoch == 0);
  CHECK(result.progress.best_mean_iou == miou);
  CHECK(result.progress.epochs_without_gain == 2);
  const Model best = load_model(folder / "run/best.safetensors");
  CHECK(evaluate(*best.network, best.info, find_training_data(config).validation).metrics.mean_iou() == miou);
  CHECK(log_of(folder / "run")[0]["epoch"] == 0);
  CHECK_THAT(read_text(folder / "run/report.html"), Contains("best mIoU, the starting model&#39;s"));

  SECTION("also where it is killed or stopped on the way") {
    struct Killed : TrainObserver {
      void validated(const ValidationRecord&, bool) override { throw Error("killed"); }
    } killed;
    CHECK_THROWS_WITH(Trainer(config, folder / "killed", false, killed).run(), "killed");
    struct Stopped : TrainObserver {
      bool is_validating = false;
      void validation_advanced(std::int64_t, std::int64_t) override { is_validating = true; }
      bool wants_stop() override { return is_validating; }
    } stopped;
    CHECK(Trainer(config, folder / "stopped", false, stopped).run().end == TrainResult::End::asked_to);
    for (const char* name : {"killed", "stopped"}) {
      train(config, folder / name, true);
      CHECK(log_of(folder / name) == log_of(folder / "run"));
      for (const char* file : {"checkpoint.safetensors", "last.safetensors", "best.safetensors"})
        CHECK(read_text(folder / name / file) == read_text(folder / "run" / file));
    }
  }
}

TEST_CASE("a run takes over from its starting model what nobody asked otherwise", "[train]") {
  const TemporaryFolder folder;
  const auto save = [&](const UNetConfig& network, std::int64_t height, std::int64_t width) {
    save_model(folder / "m.safetensors", UNet(network),
               {.network = network, .height = height, .width = width, .fit = "area", .threshold = 0.35});
  };
  const UNetConfig small{.arch = "resnet18", .decoder_channels = {8, 8, 8, 8, 8}, .upsample = Upsample::transposed};
  TrainConfig config;
  config.init = (folder / "m.safetensors").string();
  save(small, 96, 96);
  TrainConfig all = config;
  take_over_model(all, {});
  CHECK(all.network == small);
  CHECK(all.size == 96);
  CHECK(all.fit == "area");
  CHECK(all.threshold == 0.35);
  TrainConfig some = config;
  take_over_model(some, {.arch = true, .size = true, .threshold = true});
  CHECK(some.network.arch == "mobilenet_v2");
  CHECK(some.network.decoder_channels == small.decoder_channels);
  CHECK(some.size == 512);
  CHECK(some.fit == "area");
  CHECK(some.threshold == 0.5);

  save(small, 96, 64);
  CHECK_THROWS_WITH(take_over_model(all, {}),
                    Contains("m.safetensors: the model is for pictures of 64 x 96; a run has one"));
  CHECK_NOTHROW(take_over_model(all, {.size = true}));
  save({.arch = "resnet18", .classes = 3}, 96, 96);
  CHECK_THROWS_WITH(take_over_model(all, {}),
                    Contains("m.safetensors: the model has 3 classes; train_unet trains one"));
  CHECK_THROWS_WITH(make_initial_network(config, [](const std::string&) {}), Contains("the model has 3 classes"));

  // A file that says nothing of its use tells its network, and nothing else.
  const UNet plain(small);
  save_safetensors(folder / "m.safetensors", plain.state_dict());
  TrainConfig bare = config;
  take_over_model(bare, {});
  CHECK(bare.network == small);
  CHECK(bare.size == 512);
  CHECK(bare.fit == "stretch");
}

TEST_CASE_METHOD(OneThread, "a run goes on with other settings where that is allowed, and says so in its log",
                 "[train]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 8);
  TrainConfig config = tiny_config(folder / "data");
  config.epochs = 4;
  train(config, folder / "run", false, 3);
  const std::string checkpoint = read_text(folder / "run/checkpoint.safetensors");

  config.learning_rate = 2e-3;
  config.epochs = 3;
  CHECK_THAT(message_of(config, folder / "run", true), Contains("lr is 0.002, the run was started with 0.001 "
                                                                "(--allow-change permits it); epochs is 3"));
  CHECK(read_text(folder / "run/checkpoint.safetensors") == checkpoint);
  TrainConfig larger = config;
  larger.size = 64;
  Recorder recorder;
  CHECK_THROWS_WITH(Trainer(larger, folder / "run", true, recorder, {}, true), Contains("size is 64, the run"));

  CHECK(Trainer(config, folder / "run", true, recorder, {}, true).run().progress.epochs_done == 3);
  CHECK(recorder.steps[0].learning_rate == 2e-3);
  std::vector<nlohmann::json> noted;
  for (const auto& line : log_of(folder / "run")) {
    if (line.contains("changed")) noted.push_back(line);
  }
  REQUIRE(noted.size() == 1);
  CHECK(noted[0].dump() == R"({"changed":{"epochs":[4,3],"lr":[0.001,0.002]},"epoch":1,"step":3})");
  const auto history = read_metrics_log(folder / "run/metrics.jsonl");
  CHECK(history.steps.size() == 6);
  CHECK(history.validations.size() == 3);

  // Those are the run's settings now: it may be continued with them, and knows them.
  CHECK(message_of(config, folder / "run", true) == "no error");
  CHECK(to_json(settings_of_run(folder / "run").value()) == to_json(config));
  std::filesystem::remove(folder / "run/checkpoint.safetensors");
  CHECK(to_json(settings_of_run(folder / "run").value()) == to_json(config));
  CHECK(!settings_of_run(folder / "nowhere"));
}

TEST_CASE_METHOD(OneThread, "a loss that is no number stops the run and names step, pictures and advice", "[train]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 8);
  TrainConfig config = tiny_config(folder / "data");
  config.optimizer = {.kind = OptimizerKind::sgd};
  config.learning_rate = 1e30;
  config.epochs = 20;
  const std::string message = message_of(config, folder / "run");
  CHECK_THAT(message, Contains("lower the learning rate") && Contains("step "));
  CHECK(!std::filesystem::exists(folder / "run" / "checkpoint.safetensors"));
}

TEST_CASE_METHOD(OneThread, "a run that diverges later leaves its models and its checkpoint as they were", "[train]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 8);
  TrainConfig config = tiny_config(folder / "data");
  config.epochs = 1;
  train(config, folder / "run", false);
  // Weights that are numbers, but whose products are not.
  Checkpoint checkpoint = load_checkpoint(folder / "run" / "checkpoint.safetensors");
  for (auto& [name, tensor] : checkpoint.model) {
    if (name.starts_with("segmentation_head")) tensor = Tensor::full(tensor.shape(), 3e38);
  }
  save_checkpoint(folder / "run" / "checkpoint.safetensors", checkpoint);
  const char* files[] = {"best.safetensors", "last.safetensors", "checkpoint.safetensors"};
  std::vector<std::string> before;
  for (const char* file : files) before.push_back(read_text(folder / "run" / file));

  config.epochs = 2;
  const std::string message = message_of(config, folder / "run", true);
  CHECK_THAT(message, Contains("step 3: the loss is ") && Contains("JPEGImages/p") &&
                          Contains("lower the learning rate (--lr 0.001)") &&
                          Contains("the checkpoint of step 2 is intact"));
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(read_text(folder / "run" / files[i]) == before[i]);
}
