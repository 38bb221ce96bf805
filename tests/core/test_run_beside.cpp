#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>

#include "core/parallel.h"
#include "tests/catch.h"

using namespace weft;

TEST_CASE("run_beside runs both, each where it should", "[parallel]") {
  const int before = num_threads();
  set_num_threads(3);
  std::thread::id side, inner;
  int side_threads = 0;
  std::atomic<bool> has_started{false};
  std::atomic<int> others{0};
  run_beside(
      [&] {
        has_started = true;
        side = std::this_thread::get_id();
        side_threads = threads_to_share();
        parallel_for(16, [&](std::int64_t) { others += std::this_thread::get_id() != side; });
      },
      [&] {
        while (!has_started) std::this_thread::yield();  // forever, if one followed the other
        inner = std::this_thread::get_id();
      });
  CHECK(threads_to_share() == 3);
  set_num_threads(before);
  CHECK(side_threads == 1);
  CHECK(inner == std::this_thread::get_id());
  CHECK(side != inner);
  CHECK(others == 0);
}

TEST_CASE("run_beside hands exceptions on once both have ended", "[parallel]") {
  const auto fails_with = [](const char* text) { return [text] { throw std::runtime_error(text); }; };
  std::atomic<int> ended{0};
  const auto ends = [&] { ++ended; };
  CHECK_THROWS_WITH(run_beside(fails_with("beside"), ends), "beside");
  CHECK_THROWS_WITH(run_beside(ends, fails_with("body")), "body");
  CHECK(ended == 2);
  CHECK_THROWS_WITH(run_beside(fails_with("beside"), fails_with("body")), "body");
}

TEST_CASE("Tasks that share threads have none to share", "[parallel]") {
  const int before = num_threads();
  set_num_threads(2);
  std::atomic<int> most{0};
  parallel_for(8, [&](std::int64_t) {
    if (threads_to_share() > 1) most = threads_to_share();
  });
  set_num_threads(before);
  CHECK(most == 0);
}
