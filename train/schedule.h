#pragma once
// How the learning rate changes over a run of T steps, s = 0 .. T - 1. After a linear warm-up of W steps,
// base (s + 1) / W, it follows one of
//
//   constant   base
//   cosine     base (1 + cos(pi (s - W) / (T - W))) / 2          Loshchilov & Hutter 2017, arXiv:1608.03983
//   step       base / 10^k, k = floor(3 s / T): a tenth after each third of the run
//   plateau    base / 2^k, k counts how often the validation score stood still for 3 validations in a row

#include <cstdint>
#include <string>

namespace weft {

enum class ScheduleKind { constant, cosine, step, plateau };

/// "constant", "cosine", "step", "plateau"; the second form throws Error for any other name.
std::string to_string(ScheduleKind kind);
ScheduleKind schedule_from(const std::string& name);

struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::constant;
  double base_rate = 1e-4;
  std::int64_t warmup_steps = 0;
  std::int64_t total_steps = 1;
};

class Schedule {
 public:
  /// All that a schedule remembers; the rest follows from the number of the step.
  struct State {
    std::int64_t halvings = 0;
    double best_score = -1;
    std::int64_t validations_without_gain = 0;
    bool operator==(const State&) const = default;
  };

  /// Throws Error unless base_rate > 0, warmup_steps >= 0, total_steps >= 1.
  explicit Schedule(const ScheduleOptions& options);

  /// The learning rate of step `step`, counted from 0 over the whole run.
  double rate(std::int64_t step) const;
  /// Tells the result of a validation, higher is better. Only `plateau` listens: a score counts as a gain where it
  /// exceeds the best so far by more than 1e-4 of it.
  void after_validation(double score);

  const State& state() const { return state_; }
  void load_state(const State& state) { state_ = state; }

  static constexpr std::int64_t patience = 3;

 private:
  const ScheduleOptions options_;
  State state_;
};

}  // namespace weft
