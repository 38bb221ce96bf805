#pragma once
// What bench_unet times: one network on one batch, forward only or as a whole training step.

#include <memory>
#include <optional>
#include <string>

#include "core/profile.h"
#include "models/predictor.h"
#include "train/optimizer.h"
#include "train/step_plans.h"

namespace weft::tools {

struct BenchOptions {
  std::string arch = "mobilenet_v2";
  std::string model, input, targets;  // files; empty: random weights, noise. Time does not depend on them
  bool is_training = false;
  std::int64_t size = 512, batch = 1;
  std::int64_t memory_bytes = 0;     // of a training step: PlanOptions
  std::vector<std::string> without;  // rules to leave out
};

class BenchWorkload {
 public:
  /// `input` holds raw float32 [batch, size, size, 3], `targets` [batch, size, size, 1] of 0 and 1.
  /// Throws Error where they don't.
  explicit BenchWorkload(const BenchOptions& options);

  /// One forward pass; in training a whole step: forward, 0.5 Dice + 0.5 BCE, backward, Adam.
  void run();
  /// run(), and the milliseconds it took.
  double timed_run_ms();
  /// Lets go of what the last run left: the logits, in training the gradients.
  void release_results();

  /// Of the last run; logits only where nothing is trained.
  const Tensor& logits() const { return logits_; }
  double loss() const { return loss_; }

 private:
  const bool is_training_;
  std::unique_ptr<UNet> network_;
  std::optional<Predictor> predictor_;  // where nothing is trained
  std::optional<StepPlans> plans_;      // where it is
  std::unique_ptr<Optimizer> optimizer_;
  Tensor pictures_, masks_, logits_;
  double loss_ = 0;
};

/// Runs the workload `repetitions` times and takes for each piece of work its shortest time, in order of execution.
std::vector<ProfileEntry> shortest_profile(BenchWorkload& workload, int repetitions);

/// Answers requests, one a line of stdin, with a line of json on stdout each, until stdin ends: "run" runs once and
/// gives {"ms": ...} and in training "loss", "save FILE" writes the logits as raw float32. A script can so let several
/// programs take turns. Throws Error for any other line.
void serve(BenchWorkload& workload);

}  // namespace weft::tools
