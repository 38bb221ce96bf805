#include "core/helper_limit.h"

#include <cstdint>
#include <vector>

#include "tests/catch.h"

using namespace weft::detail;

namespace {

constexpr std::int64_t ms = 1'000'000;

std::int64_t never() { return 0; }

/// Two threads, eight tasks of half a millisecond, four each, and so long a wait at the end.
SharedRun two_threads(std::int64_t waited_ns) {
  return {.helpers = 1, .most_helpers = 1, .tasks = 8, .own_tasks = 4, .worked_ns = 2 * ms, .waited_ns = waited_ns};
}

}  // namespace

TEST_CASE("Helpers that help are asked again", "[parallel]") {
  HelperLimit limit(never);
  for (std::int64_t now = 0; now < 1000 * ms; now += 2 * ms) {
    CHECK(limit.allowed(1, now) == 1);
    limit.learn(two_threads(now % (10 * ms) == 0 ? ms : 0), now);
  }
}

TEST_CASE("A helper that is waited for is not asked, and later tried again", "[parallel]") {
  HelperLimit limit(never);
  std::int64_t now = 7 * ms;
  std::vector<std::int64_t> pauses;
  for (int trial = 0; trial < 7; ++trial) {
    REQUIRE(limit.allowed(1, now) == 1);
    limit.learn(two_threads(6 * ms), now);
    CHECK(limit.is_busy());
    const std::int64_t gone = now;
    while (limit.allowed(1, now) == 0) now += ms;
    pauses.push_back((now - gone) / ms);
  }
  CHECK(pauses == std::vector<std::int64_t>{10, 30, 90, 270, 810, 1500, 1500});

  for (int i = 0; i < 20; ++i) limit.learn(two_threads(0), now);  // 2 ms gained each time: the neighbour has gone
  CHECK(!limit.is_busy());
  for (int i = 0; i < 3; ++i) limit.learn(two_threads(6 * ms), now);
  CHECK(limit.allowed(1, now + 9 * ms) == 0);
  CHECK(limit.allowed(1, now + 10 * ms) == 1);
}

TEST_CASE("A single interruption changes nothing, half of the time does", "[parallel]") {
  HelperLimit limit(never);
  for (int i = 0; i < 10; ++i) limit.learn(two_threads(0), 0);
  limit.learn(two_threads(10 * ms), 0);
  CHECK(limit.allowed(1, 0) == 1);
  for (int i = 0; i < 50; ++i) limit.learn(two_threads(i % 4 == 0 ? 4 * ms : 0), 0);
  CHECK(limit.allowed(1, 0) == 1);
  for (int i = 0; i < 50; ++i) limit.learn(two_threads(3 * ms), 0);
  CHECK(limit.allowed(1, 0) == 0);
}

TEST_CASE("A caller whose core is shared asks one helper fewer", "[parallel]") {
  HelperLimit limit(never);
  SharedRun run = two_threads(0);
  run.worked_ns = 6 * ms;
  run.lost_ns = 4 * ms;
  limit.learn(run, 0);
  CHECK(limit.allowed(1, 0) == 0);
}

TEST_CASE("A caller that goes on being interrupted makes no trial", "[parallel]") {
  static std::int64_t interruptions;
  interruptions = 0;
  HelperLimit limit([] { return interruptions; });
  limit.learn(two_threads(6 * ms), 0);
  interruptions += 2;
  CHECK(limit.allowed(1, 10 * ms) == 0);
  CHECK(limit.allowed(1, 39 * ms) == 0);
  interruptions += 1;  // one in 30 ms is none to speak of
  CHECK(limit.allowed(1, 40 * ms) == 1);
}

TEST_CASE("Helpers go and come back one at a time", "[parallel]") {
  HelperLimit limit(never);
  SharedRun run{.helpers = 7, .most_helpers = 7, .tasks = 16, .own_tasks = 2, .worked_ns = ms, .waited_ns = 5 * ms};
  limit.learn(run, 0);
  CHECK(limit.allowed(7, 0) == 6);
  CHECK(limit.allowed(3, 0) == 3);  // work for few is not concerned
  run.helpers = 6;
  limit.learn(run, 0);
  CHECK(limit.allowed(7, 0) == 5);
  CHECK(limit.allowed(7, 30 * ms) == 6);
  CHECK(limit.allowed(7, 31 * ms) == 6);
  CHECK(limit.allowed(7, 120 * ms) == 7);
}

TEST_CASE("Tasks that end one after another are no sign of a shared core", "[parallel]") {
  HelperLimit limit(never);
  for (int i = 0; i < 1000; ++i) {
    limit.learn({.helpers = 7, .most_helpers = 7, .tasks = 9, .own_tasks = 1, .worked_ns = ms, .waited_ns = ms},
                i * ms);
    CHECK(limit.allowed(7, i * ms) == 7);
  }
  // Nor is a long wait at the end of very long work.
  limit.learn(
      {.helpers = 1, .most_helpers = 1, .tasks = 20, .own_tasks = 10, .worked_ns = 9000 * ms, .waited_ns = 800 * ms},
      9999 * ms);
  CHECK(limit.allowed(1, 9999 * ms) == 1);
}
