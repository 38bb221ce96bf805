#include "core/parallel.h"

#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <limits>
#include <mutex>
#include <string>

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
  if (const char* text = std::getenv("OMP_NUM_THREADS"); text != nullptr && std::atoi(text) > 0) return std::atoi(text);
  cpu_set_t allowed;
  int cpus = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : omp_get_num_procs();
  if (const int quota = quota_cpus(); quota > 0) cpus = std::min(cpus, quota);
  return std::max(1, cpus);
}

int& thread_count() {
  static int count = default_threads();
  return count;
}

}  // namespace

int num_threads() { return thread_count(); }

void set_num_threads(int count) {
  WEFT_CHECK(count >= 1 && count <= 1024, "[threads] expected 1 to 1024 threads, got {}", count);
  thread_count() = count;
}

namespace detail {

void run_tasks(std::int64_t tasks, void (*body)(void*, std::int64_t), void* context) {
  const int threads = static_cast<int>(std::min<std::int64_t>(thread_count(), tasks));
  if (threads <= 1 || omp_in_parallel()) {
    for (std::int64_t task = 0; task < tasks; ++task) body(context, task);
    return;
  }
  std::exception_ptr error;
  std::int64_t error_task = std::numeric_limits<std::int64_t>::max();
  std::mutex error_guard;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
  for (std::int64_t task = 0; task < tasks; ++task) {
    try {
      body(context, task);
    } catch (...) {
      const std::lock_guard lock(error_guard);
      if (task < error_task) {
        error_task = task;
        error = std::current_exception();
      }
    }
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace detail
}  // namespace weft
