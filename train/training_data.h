#pragma once

#include <string>

#include "data/dataset.h"
#include "train/config.h"
#include "train/observer.h"

namespace weft {

/// The pictures of a run. `validation` may be empty.
struct TrainingData {
  Dataset training, validation;

  /// A few words that change where a stem is added, removed or moves: "training 802 (5e1f0a77), validation 100 (...)".
  std::string digest() const;
  /// A checksum of the sizes of all files: tells, nearly always, that a picture or a mask was exchanged for another.
  std::string size_digest() const;
};

/// Finds what the settings name: both lists; or one list, or all pictures, divided by val_fraction and the seed.
/// Throws Error, and adds to `problems` where it is given, as Dataset does.
TrainingData find_training_data(const TrainConfig& config, std::vector<std::string>* problems = nullptr);

/// The same, and all files looked at (data/check_files.h). Throws
/// ListedError with everything that is wrong, and Error where the observer wants to stop meanwhile.
TrainingData find_and_check_training_data(const TrainConfig& config, TrainObserver& observer);

/// The stems, one a line: what train_unet's --train-list and --val-list and eval_unet's --list read.
std::string stem_list(const Dataset& pictures);

/// How many pictures are in both data sets, which makes a validation's figures worthless.
std::size_t pictures_in_both(const TrainingData& data);

}  // namespace weft
