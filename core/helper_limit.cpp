#include "core/helper_limit.h"

#include <algorithm>

namespace weft::detail {
namespace {

/// What the helpers of a run saved, less what they cost.
std::int64_t gain_ns(const SharedRun& run) {
  const double helpers = run.helpers;
  const double task_ns = static_cast<double>(run.worked_ns - run.lost_ns) / static_cast<double>(run.own_tasks);
  // One helper's tasks, shared out among those that would be left, the caller among them.
  const double saved = static_cast<double>(run.tasks - run.own_tasks) * task_ns / (helpers * helpers);
  // With several helpers the last task ends after the caller's in any case; without any it can't.
  const double usual_wait = (task_ns + 100'000) * (1 - 1 / helpers);
  const double cost = static_cast<double>(run.lost_ns) + std::max(0.0, static_cast<double>(run.waited_ns) - usual_wait);
  return static_cast<std::int64_t>(saved - cost);
}

}  // namespace

/// No trial for a while, and after that a longer while.
void HelperLimit::pause(std::int64_t now_ns) {
  paused_ns_ = now_ns;
  interruptions_before_ = interruptions_();
  next_trial_ns_ = now_ns + pause_ns_;
  pause_ns_ = std::min(3 * pause_ns_, longest_pause_ns);
}

int HelperLimit::allowed(int wanted, std::int64_t now_ns) {
  const int limit = limit_.load(std::memory_order_relaxed);
  if (wanted <= limit) return wanted;
  if (now_ns < next_trial_ns_.load(std::memory_order_relaxed)) return limit;
  const std::unique_lock lock(guard_, std::try_to_lock);
  if (!lock.owns_lock()) return limit;
  if ((interruptions_() - interruptions_before_) * turn_ns > now_ns - paused_ns_) {
    pause(now_ns);
    return limit;
  }
  balance_ns_ = gained_ns_ = 0;
  limit_ = limit + 1;
  next_trial_ns_ = now_ns + pause_ns_;  // for the helper after this one, if nothing is said against it
  return limit + 1;
}

void HelperLimit::learn(const SharedRun& run, std::int64_t now_ns) {
  if (run.helpers < 1 || run.own_tasks < 1) return;
  const std::unique_lock lock(guard_, std::try_to_lock);
  if (!lock.owns_lock()) return;
  const std::int64_t gain = gain_ns(run);
  balance_ns_ = std::min(balance_ns_ + gain, most_credit_ns);
  gained_ns_ += gain;
  if (gained_ns_ > convincing_ns) {
    gained_ns_ = 0;
    pause_ns_ = shortest_pause_ns;
    is_busy_ = limit_.load() < run.most_helpers;
  }
  if (balance_ns_ > -tolerated_ns) return;
  limit_ = std::max(0, std::min(limit_.load(), run.most_helpers) - 1);
  is_busy_ = true;
  balance_ns_ = gained_ns_ = 0;
  pause(now_ns);
}

}  // namespace weft::detail
