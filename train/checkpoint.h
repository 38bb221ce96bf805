#pragma once
// A checkpoint holds all that the rest of a run depends on. weft draws its random numbers from counters
// (core/random.h): the stream of an epoch's order or of a sample's augmentation follows from the seed and
// from which epoch and sample it is. So there is no generator state to save; the counters below are enough.
//
// On disk it is a safetensors file with a checksum: tensors model.NAME, optimizer.NAME.m (.v, .step),
// average.NAME; the settings and the progress as json in the metadata.

#include <filesystem>
#include <string>

#include "train/config.h"
#include "train/schedule.h"

namespace weft {

/// Where a run stands.
struct Progress {
  std::int64_t epochs_done = 0;
  std::int64_t steps_in_epoch = 0;  // of the epoch after those
  std::int64_t steps = 0;           // in all
  double best_mean_iou = -1;        // below 0: no validation yet
  std::int64_t best_epoch = 0;      // 0: the model that the run started from, or no validation yet
  std::int64_t epochs_without_gain = 0;
  Schedule::State schedule;
  std::int64_t average_updates = 0;
  std::string data_digest;  // of the lists of pictures, see TrainingData
  std::string data_sizes;   // of their files' sizes; empty in checkpoints of earlier versions

  bool operator==(const Progress&) const = default;
};

struct Checkpoint {
  TrainConfig config;
  Progress progress;
  nn::StateDict model, optimizer, average;  // `average` is empty without EMA
};

/// Writes it whole or not at all. Throws Error; what was there is then intact.
void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);
/// Throws Error, with the path, for a file that is no checkpoint, is damaged (checksum), or holds NaN or infinity.
Checkpoint load_checkpoint(const std::filesystem::path& path);

}  // namespace weft
