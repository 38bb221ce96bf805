#pragma once
// The training loop. In the folder of a run:
//
//   config.json              the settings
//   metrics.jsonl            a line a step, a line a validation
//   checkpoint.safetensors   all that a continuation needs, at most a few minutes old
//   last.safetensors         the model after the last epoch (its average with EMA)
//   best.safetensors         the one with the highest mIoU so far; the model that the run started from (--init) counts
//   samples/STEM.png         photograph | truth | prediction, of the last validation
//   report.html              all of it as a page, rewritten after each epoch (train/report/)
//
// A run that is stopped at any moment and continued gives the same bits as one that was not: a step is a
// function of the weights, the optimizer's state, the step's number and the pictures, and of nothing else.

#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "data/loader.h"
#include "models/model_file.h"
#include "train/checkpoint.h"
#include "train/config.h"
#include "train/ema.h"
#include "train/evaluate.h"
#include "train/observer.h"
#include "train/report/run_report.h"
#include "train/run_lock.h"
#include "train/step_plans.h"
#include "train/training_data.h"

namespace weft {

/// The settings of the run in this folder, by its checkpoint or, where it has none yet, its config.json; nullopt where
/// there is no run.
std::optional<TrainConfig> settings_of_run(const std::filesystem::path& folder);

/// How a run ended, and where it stands.
struct TrainResult {
  enum class End { all_epochs, max_steps, early_stop, asked_to };
  End end = End::all_epochs;
  Progress progress;
  double median_step_ms = 0;  // of the steps of this process; 0 where there were none
};

class Trainer {
 public:
  /// Prepares the run and locks its folder (made where there is none); with `resume` goes back to where the folder's
  /// checkpoint stands, and starts where there is none. Throws Error where the folder holds a run and `resume` is
  /// false, where settings or pictures differ from the checkpoint's (`allow_change`: more of them may, see
  /// differences()), or where the settings make no sense. `observer` must live as long. The description is for the
  /// report.
  Trainer(const TrainConfig& config, const std::filesystem::path& folder, bool resume, TrainObserver& observer,
          RunDescription description = {}, bool allow_change = false, std::int64_t memory_bytes = 0);

  /// Trains to the end. Throws Error where the loss stops being a number, a picture can't be read or the disk is full;
  /// the last checkpoint is then intact.
  TrainResult run();

  const UNet& network() const { return *network_; }
  const Progress& progress() const { return progress_; }

 private:
  using Clock = std::chrono::steady_clock;

  nlohmann::json restore(const std::filesystem::path& checkpoint, bool allow_change);
  bool is_start_to_be_judged() const;
  bool judge_start();
  std::optional<TrainResult::End> reason_to_end() const;
  bool run_steps();
  std::int64_t pictures_after(std::int64_t steps) const;
  StepRecord train_step(Loader::Batches& batches);
  void set_gradients(const Batch& batch, double share, StepRecord& record);
  void add_gradients(nn::StateDict& sums) const;
  bool finish_epoch();
  bool validate(std::int64_t epoch);
  void keep_validation(std::int64_t epoch, const Evaluation& evaluation);
  void write_report(const std::string& state) const;
  void check_loss(const StepRecord& record, const StepPlans::Step& step, const Batch& batch) const;
  std::string checkpoint_text() const;
  bool is_checkpoint_due() const;
  void check_state() const;
  void keep_checkpoint();
  void save_model_as(const char* file);

  const TrainConfig config_;
  const std::filesystem::path folder_;
  TrainObserver& observer_;
  const RunDescription description_;
  const TrainingData data_;
  const Loader loader_;
  const std::int64_t steps_per_epoch_;
  Schedule schedule_;
  std::unique_ptr<UNet> network_;
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<Ema> average_;
  std::optional<StepPlans> plans_;
  std::optional<RunLock> lock_;
  std::optional<MetricsLog> log_;
  ModelInfo info_;  // its notes hold the figures of the weights at hand, where they are known
  Progress progress_;
  std::int64_t checkpointed_steps_ = 0;
  Clock::time_point checkpointed_at_ = Clock::now();
  std::vector<double> step_ms_;
};

}  // namespace weft
