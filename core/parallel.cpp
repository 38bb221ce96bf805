#include "core/parallel.h"

#ifdef WEFT_OPENMP
#include <omp.h>
#endif
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
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

namespace weft {
namespace {

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
  return text != nullptr && std::atoi(text) > 0 ? std::atoi(text) : available_cores();
}

int& thread_count() {
  static int count = default_threads();
  return count;
}

thread_local bool is_inside_task = false;

/// Runs `work` on this thread and `others` more. Throws Error, with nothing run, where these can't be started.
template <class Work>
void run_on_threads(int others, const Work& work) {
  std::mutex guard;
  std::condition_variable decided;
  enum { undecided, go, give_up } decision = undecided;
  const auto decide = [&](auto what) {
    const std::lock_guard lock(guard);
    decision = what;
    decided.notify_all();
  };
  std::vector<std::thread> threads;
  const auto join = [&] {
    for (std::thread& thread : threads) thread.join();
  };
  try {
    threads.reserve(static_cast<std::size_t>(others));
    for (int i = 0; i < others; ++i) {
      threads.emplace_back([&] {
        std::unique_lock lock(guard);
        decided.wait(lock, [&] { return decision != undecided; });
        lock.unlock();
        if (decision == go) work();
      });
    }
  } catch (const std::exception& error) {
    decide(give_up);
    join();
    fail("out of memory: cannot start {} threads ({}); fewer --threads need less", others, error.what());
  }
  decide(go);
  work();
  join();
}

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

  template <class Run>
  void work(int thread, const Run& run) {
    for (int i = 0; i < threads_; ++i) {
      TaskRun& tasks = runs_[static_cast<std::size_t>((thread + i) % threads_)];
      for (std::int64_t task; (task = tasks.next.fetch_add(1, std::memory_order_relaxed)) < tasks.end;)
        run(order_ == detail::Order::forwards ? task : tasks.begin + tasks.end - 1 - task);
    }
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

#ifdef WEFT_OPENMP
/// Where OpenMP can't start a thread, it ends the process with a message of its own. So the first time that a thread
/// asks for so many, as many are started and ended here, which fails with an Error.
void check_threads(int threads) {
  thread_local int most_so_far = 1;
  if (threads <= most_so_far) return;
  run_on_threads(threads - 1, [] {});
  most_so_far = threads;
}

template <class Run>
void share(int threads, SharedTasks& tasks, const Run& run) {
  check_threads(threads);
#pragma omp parallel num_threads(threads)
  tasks.work(omp_get_thread_num(), run);
}
#else
/// Builds without OpenMP (WEFT_OPENMP=OFF): ThreadSanitizer can't see how OpenMP's runtime orders its threads.
template <class Run>
void share(int threads, SharedTasks& tasks, const Run& run) {
  std::atomic<int> next{0};
  run_on_threads(threads - 1, [&] { tasks.work(next++, run); });
}
#endif

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
  WEFT_CHECK(count >= 1 && count <= 1024, "[threads] expected 1 to 1024 threads, got {}", count);
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
  SharedTasks shared(threads, tasks, order);
  share(threads, shared, [&](std::int64_t task) {
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
