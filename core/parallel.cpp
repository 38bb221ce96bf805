#include "core/parallel.h"

#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <limits>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "core/check.h"
#include "core/helper_limit.h"
#include "core/workers.h"

namespace weft {
namespace {

constexpr int most_threads = 1024;

/// CPUs that a container's quota allows (cgroup v2, then v1), rounded up; 0 where there is none.
int quota_cpus() {
  double quota = 0, period = 0;
  std::string first;
  if (std::ifstream v2("/sys/fs/cgroup/cpu.max"); v2 >> first >> period && first != "max") {
    quota = std::atof(first.c_str());
  } else {
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") >> quota;
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_period_us") >> period;
  }
  return quota > 0 && period > 0 ? std::max(1, static_cast<int>((quota + period - 1) / period)) : 0;
}

int default_threads() {
  const char* text = std::getenv("OMP_NUM_THREADS");
  return std::min(most_threads, text != nullptr && std::atoi(text) > 0 ? std::atoi(text) : available_cores());
}

int& thread_count() {
  static int count = default_threads();
  return count;
}

thread_local bool is_inside_task = false;

/// Tasks for several threads. Each thread begins with a run of its own, the same whenever there are so many tasks. What
/// it wrote there in the operation before is nearest to it, which counts most where cores don't share a cache. Then it
/// helps the others.
class SharedTasks {
 public:
  SharedTasks(int threads, std::int64_t tasks, detail::Order order)
      : threads_(threads), order_(order), runs_(static_cast<std::size_t>(threads)) {
    for (int i = 0; i < threads; ++i) {
      TaskRun& run = runs_[static_cast<std::size_t>(i)];
      run.next = run.begin = tasks * i / threads;
      run.end = tasks * (i + 1) / threads;
    }
  }

  /// Runs tasks until none is left to be begun; returns how many.
  template <class Run>
  std::int64_t work(int thread, const Run& run) {
    std::int64_t count = 0;
    for (int i = 0; i < threads_; ++i) {
      TaskRun& tasks = runs_[static_cast<std::size_t>((thread + i) % threads_)];
      for (std::int64_t task; (task = tasks.next.fetch_add(1, std::memory_order_relaxed)) < tasks.end; ++count)
        run(order_ == detail::Order::forwards ? task : tasks.begin + tasks.end - 1 - task);
    }
    return count;
  }

 private:
  struct alignas(64) TaskRun {
    std::atomic<std::int64_t> next{0};
    std::int64_t begin = 0, end = 0;
  };
  const int threads_;
  const detail::Order order_;
  std::vector<TaskRun> runs_;
};

/// How long the calling thread's core ran something else, from two clocks. The second clock is a call to the system, so
/// it is read once in half a millisecond, and a run that is shorter than other programs' turns has lost nothing.
class LostTime {
 public:
  void begin(std::int64_t now) {
    if (now - wall_ns_ > 500'000) mark(now);
  }
  std::int64_t end(std::int64_t begin, std::int64_t now) {
    if (now - begin < 1'000'000) return 0;
    const std::int64_t wall = wall_ns_, cpu = cpu_ns_;
    mark(now);
    return std::clamp<std::int64_t>((wall_ns_ - wall) - (cpu_ns_ - cpu), 0, now - begin);
  }
  /// The thread has slept, which is no loss.
  void forget() { wall_ns_ = 0; }

 private:
  void mark(std::int64_t now) {
    timespec cpu{};
    wall_ns_ = now;
    cpu_ns_ = ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu) == 0 ? cpu.tv_sec * 1'000'000'000 + cpu.tv_nsec : now;
  }
  std::int64_t wall_ns_ = 0, cpu_ns_ = 0;
};

/// How often the system has taken the core from the calling thread.
std::int64_t interruptions() {
#ifdef RUSAGE_THREAD
  rusage usage{};
  return ::getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nivcsw : 0;
#else
  return 0;
#endif
}

constinit detail::HelperLimit helper_limit(interruptions);

/// Runs all tasks, on this thread and those workers that come.
template <class Run>
void share(int threads, std::int64_t task_count, detail::Order order, const Run& run) {
  thread_local LostTime lost_time;
  detail::start_workers(threads - 1);
  const std::int64_t begin = detail::now_ns();
  lost_time.begin(begin);
  struct Shared {
    SharedTasks tasks;
    const Run& run;
    std::int64_t own_tasks = 0;
  } shared{{threads, task_count, order}, run};
  const int helpers = helper_limit.allowed(threads - 1, begin);
  const auto work = [](void* context, int place) {
    Shared& s = *static_cast<Shared*>(context);
    const std::int64_t tasks = s.tasks.work(place, s.run);
    if (place == 0) s.own_tasks = tasks;
  };
  const detail::WorkTimes times = detail::work_together(helpers, {work, &shared});
  if (helpers == 0) return;
  const std::int64_t worked_until = begin + times.worked_ns;
  const std::int64_t lost = lost_time.end(begin, worked_until);
  if (times.has_slept) lost_time.forget();
  helper_limit.learn({.helpers = helpers,
                      .most_helpers = thread_count() - 1,
                      .tasks = task_count,
                      .own_tasks = shared.own_tasks,
                      .worked_ns = times.worked_ns,
                      .lost_ns = lost,
                      .waited_ns = times.waited_ns},
                     worked_until + times.waited_ns);
  detail::note_busy_machine(helper_limit.is_busy());
}

}  // namespace

int available_cores() {
  cpu_set_t allowed;
  int cpus = sched_getaffinity(0, sizeof allowed, &allowed) == 0
                 ? CPU_COUNT(&allowed)
                 : static_cast<int>(std::thread::hardware_concurrency());
  if (const int quota = quota_cpus(); quota > 0) cpus = std::min(cpus, quota);
  return std::max(1, cpus);
}

int num_threads() { return thread_count(); }

int threads_to_share() { return is_inside_task ? 1 : thread_count(); }

void set_num_threads(int count) {
  WEFT_CHECK(count >= 1 && count <= most_threads, "[threads] expected 1 to {} threads, got {}", most_threads, count);
  thread_count() = count;
}

void run_beside(const std::function<void()>& beside, const std::function<void()>& body) {
  std::exception_ptr side_error, error;
  const auto run_side = [&] {
    is_inside_task = true;
    try {
      beside();
    } catch (...) {
      side_error = std::current_exception();
    }
    is_inside_task = false;
  };
  std::thread thread;
  try {
    thread = std::thread(run_side);
  } catch (const std::system_error&) {  // none to be had
  }
  try {
    body();
  } catch (...) {
    error = std::current_exception();
  }
  thread.joinable() ? thread.join() : run_side();
  if (error) std::rethrow_exception(error);
  if (side_error) std::rethrow_exception(side_error);
}

namespace detail {

void run_tasks(std::int64_t tasks, Order order, void (*body)(void*, std::int64_t), void* context) {
  const int threads = static_cast<int>(std::min<std::int64_t>(threads_to_share(), tasks));
  if (threads <= 1) {
    for (std::int64_t task = 0; task < tasks; ++task) body(context, order == Order::forwards ? task : tasks - 1 - task);
    return;
  }
  std::exception_ptr error;
  std::int64_t error_task = std::numeric_limits<std::int64_t>::max();
  std::mutex error_guard;
  share(threads, tasks, order, [&](std::int64_t task) {
    is_inside_task = true;
    try {
      body(context, task);
    } catch (...) {
      const std::lock_guard lock(error_guard);
      if (task < error_task) {
        error_task = task;
        error = std::current_exception();
      }
    }
    is_inside_task = false;
  });
  if (error) std::rethrow_exception(error);
}

}  // namespace detail
}  // namespace weft
