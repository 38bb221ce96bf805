// Trains a U-Net on a folder of photographs and label masks.

#include <fmt/format.h>
#include <sys/resource.h>

#include <optional>

#include "core/allocator.h"
#include "tools/common/command_text.h"
#include "tools/common/data_options.h"
#include "tools/common/interrupt.h"
#include "tools/common/machine.h"
#include "tools/common/memory_size.h"
#include "tools/common/run_tool.h"
#include "tools/training/training_display.h"
#include "train/initial_network.h"
#include "train/trainer.h"

namespace {

using namespace weft;
using namespace weft::tools;

struct Options {
  DataOptions data;
  TrainConfig config;
  GivenSettings given;
  bool is_continued = false;  // the settings are those of a run, whatever model it began with
  std::string out;
  bool no_shuffle = false, resume = false, allow_change = false;
  std::string memory;
  std::string upsample = "nearest", optimizer = "adam", schedule = "constant";
};

void add_options(CLI::App& app, Options& o) {
  TrainConfig& c = o.config;
  const auto option = [&](const char* name, auto& value, const char* help, const char* type, const char* group) {
    return app.add_option(name, value, help)->capture_default_str()->type_name(type)->group(group);
  };
  add_data_options(app, o.data, c.labels);
  app.get_option("--data")->required(false);  // a run that is continued knows it
  app.add_option("--out", o.out, "folder of the run: its models, checkpoint, metrics and samples")
      ->required()
      ->type_name("DIR");
  app.add_flag(
      "--resume", o.resume,
      "continue from the checkpoint in --out with the settings that are there, or start where there is none yet");
  app.add_flag(
      "--allow-change", o.allow_change,
      "with --resume: go on with another --lr, --epochs, --schedule or what else steers only the steps to come");

  const char* data = "Data";
  app.add_option("--train-list", c.train_list, "stems to train on, one a line; default: all that are not held out")
      ->type_name("FILE")
      ->group(data);
  app.add_option("--val-list", c.val_list, "stems to validate on; default: --val-fraction")
      ->type_name("FILE")
      ->group(data);
  option("--val-fraction", c.val_fraction, "share of the pictures held out for validation, without lists; 0: none", "F",
         data);
  option("--size", c.size, "height and width of the network's input, pixels; a multiple of 32", "N", data);
  option("--fit", c.fit,
         "how a picture comes to that size: stretch, letterbox or area (a canvas of its own shape, of that area)",
         "HOW", data);
  option("--threshold", c.threshold, "probability from which a pixel is clothing, for validation and the saved models",
         "P", data);
  option("--augment", c.augment, "default, strong, robust or none", "HOW", data);

  const char* network = "Network";
  option("--arch", c.network.arch, "mobilenet_v2, resnet34 or resnet18", "A", network);
  option("--encoder-weights", c.encoder_weights,
         "ImageNet weights of the encoder (safetensors, torchvision's names), or none", "FILE", network);
  app.add_flag("--allow-missing-encoder-weights", c.allow_missing_encoder_weights,
               "start what that file lacks from random values instead of refusing it")
      ->group(network);
  app.add_option("--init", c.init,
                 "a model file to start from; its architecture, size, fit and threshold are taken over unless given")
      ->type_name("MODEL")
      ->group(network);
  app.add_option("--decoder-channels", c.network.decoder_channels,
                 "widths of the decoder's five blocks; default: 256,128,64,32,16")
      ->delimiter(',')
      ->type_name("C,...")
      ->group(network);
  option("--upsample", o.upsample, "nearest, bilinear or transposed (learned)", "HOW", network);

  const char* steps = "Steps";
  option("--epochs", c.epochs, "passes over the pictures", "N", steps);
  app.add_option("--max-steps", c.max_steps, "stop after that many steps in all; default: no limit")
      ->type_name("N")
      ->group(steps);
  option("--batch", c.batch, "pictures at once", "N", steps);
  option("--accumulate", c.accumulate, "batches a step, which takes the mean gradient of all their pictures", "N",
         steps);
  app.add_flag("--no-shuffle", o.no_shuffle, "take the pictures in the order of the list")->group(steps);
  option("--optimizer", o.optimizer, "adam, adamw or sgd", "O", steps);
  option("--momentum", c.optimizer.momentum, "of sgd", "M", steps);
  option("--lr", c.learning_rate, "learning rate", "R", steps);
  option("--weight-decay", c.optimizer.weight_decay, "as the optimizer defines it", "D", steps);
  option("--schedule", o.schedule,
         "of the learning rate: constant, cosine (to 0), step (a tenth after each third of the run) "
         "or plateau (half after 3 validations without a gain)",
         "S", steps);
  option("--warmup", c.warmup, "steps over which the learning rate rises to --lr", "N", steps);
  option("--encoder-rate", c.encoder_rate, "the encoder learns with so many times the learning rate", "F", steps);
  option("--freeze-encoder", c.freeze_encoder, "epochs in which only the decoder learns", "EPOCHS", steps);
  option("--ema", c.ema, "validate and save the weights' moving average with this decay, such as 0.999; 0: the weights",
         "DECAY", steps);
  option("--early-stop", c.early_stop, "stop after that many epochs without a better mIoU; 0: never", "N", steps);
  option("--dice-weight", c.dice_weight, "weight of the Dice loss", "W", steps);
  option("--bce-weight", c.bce_weight, "weight of the binary cross-entropy", "W", steps);
  app.add_option("--memory", o.memory,
                 "the most that a step may take in tensors, such as 800MB: weights, moments, gradients, images. What "
                 "can't be kept "
                 "is computed again, with the same bits [default: what is fastest]")
      ->group(steps);
  option("--seed", c.seed, "of starting weights, order, augmentation and the split", "K", steps);
  option("--checkpoint-steps", c.checkpoint_steps, "write a checkpoint after so many steps as well; 0: not so", "N",
         steps);
  option("--checkpoint-minutes", c.checkpoint_minutes, "and after so many minutes; 0: not so", "M", steps);
}

/// Which of the settings that a model may bring the command line names.
GivenSettings given_settings(const CLI::App& app) {
  const auto is_given = [&](const char* name) { return app.count(name) > 0; };
  return {is_given("--arch"), is_given("--decoder-channels"), is_given("--upsample"), is_given("--size"),
          is_given("--fit"),  is_given("--threshold")};
}

/// The options as if the run's settings had stood on the command line before those that do.
Options continued_options(const TrainConfig& run, int argc, const char* const* argv) {
  Options o;
  o.config = run;
  o.data = {run.data, run.images, run.masks, run.labels, run.mask_rules};
  o.no_shuffle = !run.shuffle;
  o.upsample = to_string(run.network.upsample);
  o.optimizer = to_string(run.optimizer.kind);
  o.schedule = to_string(run.schedule);
  o.is_continued = true;
  CLI::App app;
  add_options(app, o);
  app.allow_extras();  // --threads, which is not of the run
  app.parse(argc, argv);
  return o;
}

/// What the parsed options mean. Throws UsageError for settings that make no sense.
TrainConfig settings(const Options& o) {
  if (o.data.data.empty())
    throw UsageError(o.resume ? fmt::format("--data: is required; {} holds no run to continue", o.out)
                              : "--data is required");
  if (o.allow_change && !o.resume) throw UsageError("--allow-change: is for --resume");
  TrainConfig c = o.config;
  c.data = o.data.data;
  c.images = o.data.images;
  c.masks = o.data.masks;
  c.mask_rules = o.data.mask_rules;
  if (c.mask_rules.threshold > 0) c.labels = "binary";
  if (!o.data.labels.empty()) c.labels = o.data.labels;
  c.shuffle = !o.no_shuffle;
  try {
    c.network.upsample = upsample_from(o.upsample);
    c.optimizer.kind = optimizer_from(o.optimizer);
    c.schedule = schedule_from(o.schedule);
    check_config(c);
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
  if (!c.init.empty() && !o.is_continued) take_over_model(c, o.given);
  try {
    check_config(c);
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
  return c;
}

double peak_resident_megabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

void print_summary(const TrainResult& result, const std::string& out) {
  const Progress& p = result.progress;
  const std::string reason = result.end == TrainResult::End::all_epochs ? "all epochs are done"
                             : result.end == TrainResult::End::early_stop
                                 ? fmt::format("stopped early: no better mIoU for {} epochs, since epoch {};",
                                               p.epochs_without_gain, p.best_epoch)
                                 : "stopped by --max-steps";
  fmt::print("{} after {} epochs, {} steps\n", reason, p.epochs_done, p.steps);
  if (p.best_mean_iou >= 0) {
    const std::string when = p.best_epoch > 0 ? fmt::format("at epoch {}", p.best_epoch) : "before training";
    fmt::print("best mIoU {:.4f} {}: {}/best.safetensors\n", p.best_mean_iou, when, out);
  } else {
    fmt::print("not validated; the last model: {}/last.safetensors\n", out);
  }
  if (result.median_step_ms > 0) fmt::print("time per step {:.1f} ms (median)\n", result.median_step_ms);
  fmt::print("peak memory {:.0f} MB resident, {:.0f} MB in tensors\n", peak_resident_megabytes(),
             static_cast<double>(memory_use().peak_bytes) / (1024 * 1024));
}

int train(const Options& first, int argc, const char* const* argv) {
  const std::optional<TrainConfig> run = first.resume ? settings_of_run(first.out) : std::nullopt;
  const Options options = run ? continued_options(*run, argc, argv) : first;
  const std::string command = command_text(argc, argv, "--resume");
  const TrainConfig config = settings(options);
  TrainingDisplay display(config);
  catch_interrupts("\nfinishing the step, then saving; Ctrl-C again stops at once\n");
  Trainer trainer(config, options.out, options.resume, display, {command, machine_text()}, options.allow_change,
                  memory_bytes_from(options.memory));
  display.watch(trainer);
  const TrainResult result = trainer.run();
  if (result.end == TrainResult::End::asked_to) {
    fmt::print(stderr, "stopped after step {} and saved; to go on:\n  {} --resume\n", result.progress.steps, command);
    return 130;
  }
  print_summary(result, options.out);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains a U-Net to find clothing on a folder of photographs and label masks.", "train_unet");
  Options options;
  add_options(app, options);
  return run_tool(app, argc, argv, [&] {
    options.given = given_settings(app);
    return train(options, argc, argv);
  });
}
