#pragma once
// Threads. What runs them is in workers.h, how many are worth asking in helper_limit.h; nothing else knows of either.
//
// parallel_for(tasks, body) calls body(i) once for each i in [0, tasks), in any order, on any thread. As a rule thread
// t of T runs the t-th of T equal shares: operations that cut the same images find what the one before left in the
// caches of the same core. Who is done helps the others.
//
// Results stay bit-identical for every thread count because of a rule that callers keep: work is cut
// into tasks by its shape alone, a task writes only what is its own, and partial sums are added
// afterwards in task order. The thread count decides who runs a task, not what the task is. Where it does decide that,
// it changes no sum: Winograd's convolution cuts its tiles by it, as no sum crosses a tile, and its weight gradient has
// each thread take groups of blocks, all share each block, or each take some channels of the only one; an inverted
// residual cuts its bands of rows by it, and may store an image between its steps; and by it convolutions run in one
// pass (conv_chain.h) or in turn, and share out rows.

#include <cstdint>
#include <functional>
#include <type_traits>

namespace weft {

/// Threads that parallel_for uses. At start: OMP_NUM_THREADS, else the container's CPU quota, else
/// the cores that this process may run on.
int num_threads();
/// Threads that share the tasks of a parallel_for called from here: one inside tasks that share threads.
int threads_to_share();
/// The cores that this process may use, by its affinity and the container's quota.
int available_cores();
/// Sets that number, between operations and not while one runs; throws Error unless 1 <= count <= 1024.
void set_num_threads(int count);

namespace detail {
enum class Order { forwards, backwards };
void run_tasks(std::int64_t tasks, Order order, void (*body)(void* context, std::int64_t task), void* context);

template <class Body>
void run_tasks(std::int64_t tasks, Order order, Body& body) {
  run_tasks(
      tasks, order, [](void* context, std::int64_t task) { (*static_cast<Body*>(context))(task); },
      const_cast<void*>(static_cast<const void*>(&body)));
}
}  // namespace detail

/// Calls body(i) for each i in [0, tasks); Error where the system has no memory for the threads. Calls from
/// inside tasks that share threads run on their own thread.
/// An exception in a task is rethrown here, the one of the lowest task number: on several threads after all tasks
/// ended, on one at once.
template <class Body>
void parallel_for(std::int64_t tasks, Body&& body) {
  detail::run_tasks(tasks, detail::Order::forwards, body);
}

/// The same, but each thread takes its share from the end on: what it has read or written last is in its caches at the
/// end of an operation, and the next one over more than they hold finds it there only if it begins there.
template <class Body>
void parallel_for_backwards(std::int64_t tasks, Body&& body) {
  detail::run_tasks(tasks, detail::Order::backwards, body);
}

/// Calls beside() on a thread of its own while body() runs on this one, and returns when both have ended. parallel_for
/// inside beside() stays on its thread. An exception is rethrown here, body's first. Where the system has no thread to
/// give, beside() comes after body().
void run_beside(const std::function<void()>& beside, const std::function<void()>& body);

/// Cuts [0, count) into chunks of `grain` elements and calls body(begin, end) for each.
template <class Body>
void parallel_chunks(std::int64_t count, std::int64_t grain, Body&& body) {
  parallel_for((count + grain - 1) / grain, [&](std::int64_t chunk) {
    const std::int64_t begin = chunk * grain;
    body(begin, begin + grain < count ? begin + grain : count);
  });
}

/// A grain for loops over elements: small enough to share out, large enough to be worth a task.
inline constexpr std::int64_t elementwise_grain = 1 << 15;

}  // namespace weft
