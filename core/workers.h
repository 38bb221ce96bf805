#pragma once
// weft's own threads, beneath parallel_for.
//
// Whoever has work opens it, calls workers and does it as well: all of it, if nobody comes. A worker joins what is
// open, and only those that have joined are waited for. So a thread that the system doesn't run, because another
// program has its core, holds nobody up but for the task that it was in the middle of. Everybody waits by spinning for
// some microseconds, which an idle machine notices least, and then sleeps, which a busy one asks for.

#include <cstdint>

namespace weft::detail {

/// Work for several threads: run(context, place), where each thread has a place of its own.
struct SharedWork {
  void (*run)(void* context, int place);
  void* context;
};

/// How a piece of work went for the thread that opened it.
struct WorkTimes {
  std::int64_t worked_ns = 0, waited_ns = 0;
  bool has_slept = false;
};

/// The time in nanoseconds, by a clock that never goes back.
std::int64_t now_ns();

/// Sees to it that there are `count` workers; throws Error where the system has no memory for them. They stay until
/// the process ends. A child of fork() begins with none.
void start_workers(int count);

/// From here on everybody waits awake for 20 microseconds at most; without, for up to a millisecond.
void note_busy_machine(bool is_busy);

/// Runs work at place 0 on this thread and at place i on each worker i of 1 to `helpers` that comes in time. The run at
/// place 0 returns when nothing is left to be begun; work_together then waits for those that came. Nothing may be
/// thrown. Several threads may have work at once; start_workers(helpers) comes first.
WorkTimes work_together(int helpers, SharedWork work);

}  // namespace weft::detail
