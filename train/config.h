#pragma once
// Every setting of a training run. It is written into the run's folder (config.json) and into each
// checkpoint, so that a run can say what it was and a continuation can be held to it.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "data/mask_file.h"
#include "models/unet.h"
#include "train/optimizer.h"
#include "train/schedule.h"

namespace weft {

struct TrainConfig {
  // Data. Empty `images` and `masks` mean the layout that the folder shows; lists are text files, one stem a line.
  std::string data, images, masks;
  MaskRules mask_rules;        // how masks are called and read
  std::string labels = "atr";  // a built-in map (data/labels/) or a json file
  std::string train_list, val_list;
  double val_fraction = 0.1;  // of the pictures, where there are no lists; 0: no validation

  // Network.
  UNetConfig network;
  std::string encoder_weights = "none";  // a file in torchvision's keys
  bool allow_missing_encoder_weights = false;
  std::string init;             // a model file to start from
  std::int64_t size = 512;      // height and width of the network's input
  std::string fit = "stretch";  // or "letterbox", "area"
  double threshold = 0.5;       // on the probability, for validation and the saved models

  // Steps.
  std::int64_t epochs = 10;
  std::int64_t max_steps = 0;   // stop after that many steps in all; 0: no such limit
  std::int64_t batch = 4;       // pictures at once
  std::int64_t accumulate = 1;  // batches a step, weighted by their pictures
  bool shuffle = true;
  OptimizerOptions optimizer;
  double learning_rate = 1e-4;
  double encoder_rate = 1;  // factor of the learning rate for the encoder's parameters
  ScheduleKind schedule = ScheduleKind::constant;
  std::int64_t warmup = 0;          // steps
  std::string augment = "default";  // "default", "strong", "robust", "none"
  std::int64_t freeze_encoder = 0;  // epochs
  double ema = 0;                   // decay; 0: no average
  std::int64_t early_stop = 0;      // epochs without a better mIoU; 0: never
  double dice_weight = 0.5, bce_weight = 0.5;
  std::int64_t seed = 0;

  // Safety. A checkpoint is written at each epoch's end and, between, after so many steps or minutes (0: not so).
  std::int64_t checkpoint_steps = 0;
  double checkpoint_minutes = 5;
};

/// Throws Error that names the setting which makes no sense, what was expected and what came.
void check_config(const TrainConfig& config);

/// The part of it that judging a model needs too.
void check_mask_rules(const MaskRules& rules, const std::string& labels);

nlohmann::json to_json(const TrainConfig& config);
/// Throws Error, beginning with `file`, for a missing, unknown or wrongly typed setting. Settings that weft has learned
/// since its first version may be missing: they are then as that version behaved.
TrainConfig config_from_json(const nlohmann::json& json, const std::string& file);

/// The settings in which a continuation differs from the run that it would continue, as
/// "batch is 8, the run was started with 4"; empty where it may go on. Free to change: where the data lie, max_steps,
/// the intervals of checkpoints, and `epochs` upwards. With `allow_change` also what only steers the steps to come: the
/// learning rates and their schedule, fewer epochs, weight decay, momentum, augmentation, the losses' weights,
/// early_stop.
std::vector<std::string> differences(const TrainConfig& continuation, const TrainConfig& run,
                                     bool allow_change = false);

/// Those of the latter, and `epochs`, that differ: {"lr": [before, now], ...}; an empty object where none does.
nlohmann::json changes(const TrainConfig& continuation, const TrainConfig& run);

}  // namespace weft
