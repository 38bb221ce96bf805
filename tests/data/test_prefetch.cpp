#include "data/prefetch.h"

#include <atomic>

#include "tests/catch.h"

using weft::OrderedPrefetcher;

TEST_CASE("items come in order, once each, whatever the number of workers", "[prefetch]") {
  for (std::size_t workers : {1, 2, 5}) {
    for (std::size_t depth : {1, 3, 100}) {
      std::atomic<int> made{0};
      const auto square = [&](std::size_t i) {
        ++made;
        return i * i;
      };
      OrderedPrefetcher<std::size_t> items(50, depth, square, workers);
      for (std::size_t i = 0; i < 50; ++i) CHECK(items.next() == i * i);
      CHECK(made == 50);
      CHECK(items.remaining() == 0);
      CHECK_THROWS_WITH(items.next(), Contains("all 50 items were taken"));
    }
  }
}

TEST_CASE("no item is made more than depth ahead of its use", "[prefetch]") {
  std::atomic<std::size_t> taken{0};
  std::atomic<bool> too_early{false};
  const auto make = [&](std::size_t i) {
    if (i >= taken + 3 + 1) too_early = true;  // + 1: `taken` is counted only after next() has returned
    return 0;
  };
  OrderedPrefetcher<int> items(40, 3, make, 2);
  while (items.remaining() > 0) {
    items.next();
    ++taken;
  }
  CHECK_FALSE(too_early);
}

TEST_CASE("an error comes out in its item's place, and the rest goes on", "[prefetch]") {
  const auto make = [](std::size_t i) {
    if (i == 2) weft::fail("item {}", i);
    return static_cast<int>(i);
  };
  OrderedPrefetcher<int> items(5, 4, make, 3);
  CHECK(items.next() == 0);
  CHECK(items.next() == 1);
  CHECK_THROWS_WITH(items.next(), Contains("item 2"));
  CHECK(items.next() == 3);
}

TEST_CASE("a prefetcher that is dropped early ends its threads", "[prefetch]") {
  for (int repeat = 0; repeat < 20; ++repeat) {
    OrderedPrefetcher<int> items(1000, 8, [](std::size_t) { return 1; }, 3);
    CHECK(items.next() == 1);
  }
}
