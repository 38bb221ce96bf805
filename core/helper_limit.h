#pragma once
// How many workers are asked to help, where other programs want the cores too.
//
// Operations follow one another, and each ends when its last task does. A worker whose core another program has for
// some milliseconds stops in the middle of a task, and everybody waits for it: if that happens for half of the time,
// two threads are as slow as one, and beyond that slower. So what help brought is set against what it cost:
//
//   gain = (time that the tasks of one of the helpers would have taken the others) - (time waited for helpers)
//
// Once the sum falls below a limit, one helper fewer is asked. After a pause it is tried again; each trial that fails
// makes the pause longer. A caller that loses its own core has no other to ask for, and makes no trial. On an idle
// machine the sum stays where it is largest, and a single interruption changes nothing.
//
// This decides who runs tasks, never what the tasks are: results don't depend on it.

#include <atomic>
#include <cstdint>
#include <mutex>

namespace weft::detail {

/// How the tasks of one parallel_for went, as seen by the thread that called it.
struct SharedRun {
  int helpers = 0;             // that were asked
  int most_helpers = 0;        // that any parallel_for may ask
  std::int64_t tasks = 0;      // in all
  std::int64_t own_tasks = 0;  // run by the calling thread
  std::int64_t worked_ns = 0;  // by the calling thread, on its own tasks
  std::int64_t lost_ns = 0;    // of that, while its core ran something else
  std::int64_t waited_ns = 0;  // for helpers, with nothing left to do
};

class HelperLimit {
 public:
  static constexpr std::int64_t tolerated_ns = 2'000'000;     // loss after which a helper goes
  static constexpr std::int64_t most_credit_ns = 10'000'000;  // of gains before
  static constexpr std::int64_t convincing_ns = 20'000'000;   // gain after which a trial has succeeded
  static constexpr std::int64_t shortest_pause_ns = 10'000'000, longest_pause_ns = 1'500'000'000;
  static constexpr std::int64_t turn_ns = 20'000'000;  // who is interrupted more often shares its core

  /// `interruptions` gives how often the calling thread has lost its core so far.
  explicit constexpr HelperLimit(std::int64_t (*interruptions)()) : interruptions_(interruptions) {}

  /// How many helpers to ask where `wanted` would have something to do. Any thread may call it.
  int allowed(int wanted, std::int64_t now_ns);

  /// Learns from a run that ended now. Any thread may call it; what two say at the same moment may count once.
  void learn(const SharedRun& run, std::int64_t now_ns);

  /// Whether helpers went and have not convinced since.
  bool is_busy() const { return is_busy_.load(std::memory_order_relaxed); }

 private:
  static constexpr int no_limit = 1 << 30;

  void pause(std::int64_t now_ns);

  std::int64_t (*const interruptions_)();
  std::atomic<int> limit_{no_limit};
  std::atomic<std::int64_t> next_trial_ns_{0};
  std::atomic<bool> is_busy_{false};
  std::mutex guard_;  // of what follows
  std::int64_t balance_ns_ = 0, gained_ns_ = 0;
  std::int64_t pause_ns_ = shortest_pause_ns;
  std::int64_t paused_ns_ = 0, interruptions_before_ = 0;
};

}  // namespace weft::detail
