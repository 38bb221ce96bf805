#include "core/workers.h"

#include <pthread.h>

#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <thread>

#include "core/check.h"

namespace weft::detail {
namespace {

constexpr int most_workers = 1023;
struct Spins {
  std::int64_t worker_ns, caller_ns;
};
constexpr Spins idle_spins{1'000'000, 300'000};  // longer than most pauses between two operations, and than most tasks
constexpr Spins busy_spins{20'000, 20'000};

/// What a worker is doing. Whoever has work sets `called`; the worker sets the rest.
enum Call : std::uint32_t { looking, called, asleep };

struct alignas(64) Worker {
  std::atomic<std::uint32_t> call{looking};
};

/// A place where work is offered. The state holds how many workers have joined and these flags. A worker reads the work
/// once it has joined, and it can join only while the place is open; so it never sees work that has ended.
struct alignas(64) Offer {
  static constexpr std::uint32_t is_taken = 1u << 31, is_open = 1u << 30, owner_sleeps = 1u << 29;
  static constexpr std::uint32_t joined = is_open - 1 - owner_sleeps;
  std::atomic<std::uint32_t> state{0};
  std::atomic<int> helpers{0};  // workers beyond these have no place
  SharedWork work{};
};

// For as long as the process lives, since workers may look at them until its very end.
constinit std::array<Worker, most_workers + 1> workers;  // [0] stays empty: place 0 is the caller's
constinit std::array<Offer, 16> offers;
constinit std::atomic<int> started{0};
constinit std::atomic<bool> is_machine_busy{false};
constinit std::mutex start_guard;

void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

Spins spins() { return is_machine_busy.load(std::memory_order_relaxed) ? busy_spins : idle_spins; }

/// Whether `is_met` came true within that time.
template <class Condition>
bool spin(std::int64_t ns, const Condition& is_met) {
  const std::int64_t end = now_ns() + ns;
  do {
    for (int i = 0; i < 16; ++i) {
      if (is_met()) return true;
      relax();
    }
  } while (now_ns() < end);
  return is_met();
}

bool join(Offer& offer, int worker) {
  for (std::uint32_t state = offer.state.load(std::memory_order_relaxed);
       (state & Offer::is_open) != 0 && worker <= offer.helpers.load(std::memory_order_relaxed);) {
    if (offer.state.compare_exchange_weak(state, state + 1, std::memory_order_acquire)) return true;
  }
  return false;
}

/// The last to leave wakes the owner, who may have gone on by then: offers are never destroyed.
void leave(Offer& offer) {
  const std::uint32_t left = offer.state.fetch_sub(1, std::memory_order_acq_rel) - 1;
  if ((left & Offer::joined) == 0 && (left & Offer::owner_sleeps) != 0) offer.state.notify_all();
}

void wait_for_call(Worker& worker) {
  const auto is_called = [&] { return worker.call.load(std::memory_order_acquire) == called; };
  if (!spin(spins().worker_ns, is_called)) {
    std::uint32_t expected = looking;
    if (worker.call.compare_exchange_strong(expected, asleep)) {
      while (!is_called()) worker.call.wait(asleep);
    }
  }
  // An exchange, as call()'s: whichever comes second sees what was opened, or is seen.
  worker.call.exchange(looking, std::memory_order_acq_rel);
}

[[noreturn]] void work_when_called(int number) {
  Worker& worker = workers[static_cast<std::size_t>(number)];
  for (;;) {
    wait_for_call(worker);
    for (Offer& offer : offers) {
      if (!join(offer, number)) continue;
      // helpers may have changed between the look at it and the joining, with another's work
      if (number <= offer.helpers.load(std::memory_order_relaxed)) offer.work.run(offer.work.context, number);
      leave(offer);
    }
  }
}

void call(Worker& worker) {
  if (worker.call.exchange(called, std::memory_order_seq_cst) == asleep) worker.call.notify_one();
}

Offer* free_offer() {
  for (Offer& offer : offers) {
    std::uint32_t expected = 0;
    if (offer.state.load(std::memory_order_relaxed) == 0 &&
        offer.state.compare_exchange_strong(expected, Offer::is_taken, std::memory_order_acquire))
      return &offer;
  }
  return nullptr;
}

/// Waits until all that have joined an offer have left it; returns whether this thread has slept.
bool wait_for_others(Offer& offer) {
  const auto is_over = [&] { return (offer.state.load(std::memory_order_acquire) & Offer::joined) == 0; };
  if (is_over() || spin(spins().caller_ns, is_over)) return false;
  std::uint32_t state = offer.state.fetch_or(Offer::owner_sleeps, std::memory_order_acq_rel) | Offer::owner_sleeps;
  for (; (state & Offer::joined) != 0; state = offer.state.load(std::memory_order_acquire)) offer.state.wait(state);
  return true;
}

/// A child of fork() has none of its parent's workers, and nobody who would close what was open.
void forget_workers() {
  for (Worker& worker : workers) worker.call = looking;
  started = 0;
  for (Offer& offer : offers) offer.state = 0;
  start_guard.unlock();
}

}  // namespace

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void note_busy_machine(bool is_busy) {
  if (is_machine_busy.load(std::memory_order_relaxed) != is_busy)
    is_machine_busy.store(is_busy, std::memory_order_relaxed);
}

void start_workers(int count) {
  if (started.load(std::memory_order_acquire) >= count) return;
  WEFT_CHECK(count <= most_workers, "[threads] expected at most {} workers, got {}", most_workers, count);
  [[maybe_unused]] static const int is_registered =
      ::pthread_atfork([] { start_guard.lock(); }, [] { start_guard.unlock(); }, forget_workers);
  const std::lock_guard lock(start_guard);
  try {
    for (int number = started + 1; number <= count; ++number) {
      std::thread(work_when_called, number).detach();
      started.store(number, std::memory_order_release);
    }
  } catch (const std::exception& error) {
    fail("out of memory: cannot start {} threads ({}); fewer --threads need less", count, error.what());
  }
}

WorkTimes work_together(int helpers, SharedWork work) {
  const std::int64_t begin = now_ns();
  Offer* offer = helpers > 0 ? free_offer() : nullptr;
  if (offer != nullptr) {
    offer->work = work;
    offer->helpers.store(helpers, std::memory_order_relaxed);
    offer->state.store(Offer::is_taken | Offer::is_open, std::memory_order_release);
    for (int i = 1; i <= helpers; ++i) call(workers[static_cast<std::size_t>(i)]);
  }
  work.run(work.context, 0);
  const std::int64_t middle = now_ns();
  if (offer == nullptr) return {.worked_ns = middle - begin};
  offer->state.fetch_and(~Offer::is_open, std::memory_order_acq_rel);
  const bool has_slept = wait_for_others(*offer);
  offer->state.store(0, std::memory_order_release);
  return {.worked_ns = middle - begin, .waited_ns = now_ns() - middle, .has_slept = has_slept};
}

}  // namespace weft::detail
