#include "core/parallel.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <thread>
#include <vector>

#include "core/check.h"
#include "tests/catch.h"

using namespace weft;

namespace {

class Threads {
 public:
  explicit Threads(int count) { set_num_threads(count); }
  ~Threads() { set_num_threads(before_); }

 private:
  const int before_ = num_threads();
};

/// Whether parallel_for runs each of so many tasks once.
bool runs_each_once(std::int64_t tasks) {
  std::vector<std::atomic<int>> runs(static_cast<std::size_t>(tasks));
  parallel_for(tasks, [&](std::int64_t i) { ++runs[static_cast<std::size_t>(i)]; });
  bool all_once = true;
  for (const std::atomic<int>& count : runs) all_once = all_once && count == 1;
  return all_once;
}

template <class Condition>
bool comes_true(const Condition& condition, int within_ms) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(within_ms);
  while (!condition() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  return condition();
}

#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)  // these have rules of their own for what follows
/// The exit status of a child that does `what`; -1 where it was ended, by SIGALRM if it never ends.
template <class What>
int status_of_child(const What& what) {
  std::cout.flush();  // or both would print what waits there
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    std::exit(what());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
#endif

}  // namespace

TEST_CASE("The number of threads may change between operations", "[parallel]") {
  for (const int count : {1, 2, 7, 3, 16, 1, 4}) {
    const Threads threads(count);
    for (const std::int64_t tasks : {0, 1, 2, 3, 6, 7, 100}) CHECK(runs_each_once(tasks));
  }
}

TEST_CASE("Work that no other thread comes for is done by the caller", "[parallel]") {
  const Threads threads(2);
  std::atomic<bool> is_busy{false}, is_over{false};
  // Another caller's work, which holds the only worker in its second task.
  std::thread other([&] {
    const auto self = std::this_thread::get_id();
    while (!is_busy && !is_over) {
      parallel_for(2, [&](std::int64_t) {
        if (std::this_thread::get_id() == self) {
          comes_true([&] { return is_busy.load(); }, 50);
        } else {
          is_busy = true;
          while (!is_over) std::this_thread::yield();
        }
      });
    }
  });
  const bool has_come = comes_true([&] { return is_busy.load(); }, 20'000);
  std::atomic<int> elsewhere{0};
  const auto self = std::this_thread::get_id();
  parallel_for(64, [&](std::int64_t) { elsewhere += std::this_thread::get_id() != self; });
  const bool is_each_run = runs_each_once(64);
  is_over = true;
  other.join();
  // On a machine that is busy enough none is asked (core/helper_limit.h), and there is nothing to see.
  if (!has_come) WARN("no worker came within 20 s");
  if (has_come) CHECK(elsewhere == 0);
  CHECK(is_each_run);
}

TEST_CASE("Many threads may call parallel_for at once", "[parallel]") {
  const Threads threads(3);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 24; ++caller) {
    callers.emplace_back([&] {
      for (int i = 0; i < 100; ++i) wrong += !runs_each_once(1 + i % 9);
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}

#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)

TEST_CASE("A child of fork() has threads of its own, and ends while they sleep", "[parallel]") {
  const Threads threads(3);
  REQUIRE(runs_each_once(12));
  const auto works = [] {
    for (int i = 0; i < 50; ++i) {
      if (!runs_each_once(12)) return 1;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return 7;
  };
  CHECK(status_of_child(works) == 7);
  CHECK(status_of_child([&] { return status_of_child(works); }) == 7);
  CHECK(runs_each_once(12));
}

TEST_CASE("Threads that can't be started are an Error, and fewer still work", "[parallel]") {
  CHECK(status_of_child([] {
          std::int64_t pages = 0;
          std::ifstream("/proc/self/statm") >> pages;
          const auto limit = static_cast<rlim_t>(pages * ::sysconf(_SC_PAGE_SIZE) + (64 << 20));
          const rlimit memory{limit, limit};
          if (::setrlimit(RLIMIT_AS, &memory) != 0) return 1;
          set_num_threads(200);
          for (int i = 0; i < 2; ++i) {
            try {
              parallel_for(1000, [](std::int64_t) { std::_Exit(2); });
              return 3;
            } catch (const Error& error) {
              if (std::string(error.what()).find("out of memory: cannot start 199 threads") != 0) return 4;
            }
          }
          set_num_threads(2);
          return runs_each_once(100) ? 7 : 5;
        }) == 7);
}

#endif
