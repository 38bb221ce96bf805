#pragma once
// A training run on stderr: a bar for each epoch and each validation, then a line of the table.

#include <chrono>
#include <memory>
#include <string>

#include "tools/common/progress_bar.h"
#include "train/trainer.h"

namespace weft::tools {

class TrainingDisplay : public TrainObserver {
 public:
  explicit TrainingDisplay(const TrainConfig& config) : config_(config) {}
  /// The run whose best result the lines speak of; it must live as long as it runs.
  void watch(const Trainer& trainer) { trainer_ = &trainer; }

  void note(const std::string& line) override;
  void checking_advanced(std::int64_t done, std::int64_t pictures) override;
  void epoch_begins(std::int64_t epoch, std::int64_t epochs, std::int64_t pictures_done,
                    std::int64_t pictures) override;
  void step_ended(const StepRecord& record, std::int64_t pictures_done) override;
  void epoch_stepped() override { progress_.reset(); }
  void validation_advanced(std::int64_t done, std::int64_t pictures) override;
  void validated(const ValidationRecord& record, bool is_best) override;
  bool wants_stop() override;

 private:
  using Clock = std::chrono::steady_clock;

  const TrainConfig config_;
  const Trainer* trainer_ = nullptr;
  std::string label_ = "epoch 0";  // of a starting model's validation
  std::unique_ptr<ProgressBar> progress_;
  Clock::time_point epoch_began_ = Clock::now();
  bool has_head_ = false;
  // Of the steps of this epoch that this process has seen.
  std::int64_t steps_ = 0, pixels_in_both_ = 0, pixels_in_either_ = 0;
  double loss_ = 0;
};

/// "the best so far", or which epoch is and how long a run with early stopping still waits.
std::string standing_text(const Progress& progress, std::int64_t epoch, std::int64_t early_stop);

}  // namespace weft::tools
