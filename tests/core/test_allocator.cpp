#include "core/allocator.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <thread>
#include <vector>

#include "core/random.h"
#include "tests/catch.h"

using namespace weft;

namespace {

constexpr std::size_t mb = std::size_t{1} << 20;

std::size_t held_bytes() { return memory_use().live_bytes + memory_use().cached_bytes; }

/// What a training step does with its memory: blocks of many sizes, each freed some time after others came. The same
/// `seed` repeats the same sequence. Returns the addresses handed out.
std::vector<std::uintptr_t> work_round(std::uint64_t seed, std::size_t unit) {
  Random draw(seed);
  std::vector<void*> alive;
  std::vector<std::uintptr_t> places;
  for (int i = 0; i < 300; ++i) {
    if (alive.size() > 40 || (!alive.empty() && draw.chance(0.4))) {
      std::swap(alive[draw.below(alive.size())], alive.back());
      cached_free(alive.back());
      alive.pop_back();
    } else {
      const std::size_t bytes = unit / 8 + draw.below(unit);
      alive.push_back(cached_allocate(bytes));
      std::memset(alive.back(), 1, bytes);
      places.push_back(reinterpret_cast<std::uintptr_t>(alive.back()));
    }
  }
  for (void* block : alive) cached_free(block);
  return places;
}

long minor_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

/// Bytes of addresses that this process has mapped.
std::size_t address_space() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * 4096;
}

}  // namespace

TEST_CASE("freed memory is used again and counted", "[allocator]") {
  release_cached_memory();
  const std::size_t live = memory_use().live_bytes;
  void* first = cached_allocate(mb);
  CHECK(memory_use().live_bytes == live + mb);
  CHECK(reinterpret_cast<std::uintptr_t>(first) % 64 == 0);
  cached_free(first);
  CHECK(memory_use().live_bytes == live);
  CHECK(memory_use().cached_bytes >= mb);
  void* again = cached_allocate(900000);
  CHECK(again == first);
  cached_free(again);

  for (std::size_t bytes : {std::size_t{0}, std::size_t{10}, 64 * std::size_t{1024} - 1, 64 * std::size_t{1024}}) {
    INFO(bytes);
    void* block = cached_allocate(bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(block) % 64 == 0);
    CHECK(memory_use().live_bytes > live);
    cached_free(block);
    CHECK(memory_use().live_bytes == live);
  }
  cached_free(nullptr);
  reset_peak_memory();
  CHECK(memory_use().peak_bytes == memory_use().live_bytes);
  release_cached_memory();
  CHECK(memory_use().cached_bytes == 0);
  CHECK_THROWS_WITH(cached_allocate(std::size_t{1} << 60), Contains("out of memory"));
  CHECK_THROWS_WITH(cached_allocate(SIZE_MAX - 1), Contains("out of memory"));
}

TEST_CASE("a large page that a block lies in is not taken apart", "[allocator]") {
  release_cached_memory();
  void* first = cached_allocate(mb);
  void* wall = cached_allocate(8 * mb);  // begins in the same large page
  void* behind = cached_allocate(8 * mb);
  cached_free(first);
  cached_free(behind);
  const std::size_t held = held_bytes();
  release_cached_memory();
  CHECK(held_bytes() <= held - 6 * mb);  // of what lies behind the wall
  void* again = cached_allocate(mb);
  CHECK(again == first);
  cached_free(again);
  cached_free(wall);
  release_cached_memory();
  CHECK(memory_use().cached_bytes == 0);
}

TEST_CASE("free neighbours become one stretch, in whatever order they are freed", "[allocator]") {
  for (const std::vector<std::size_t>& order : {std::vector<std::size_t>{0, 1, 2}, {2, 1, 0}, {0, 2, 1}, {1, 2, 0}}) {
    release_cached_memory();
    void* blocks[3];
    for (void*& block : blocks) block = cached_allocate(3 * mb);
    void* wall = cached_allocate(3 * mb);  // so that the three cannot simply grow
    const std::size_t held = held_bytes();
    for (std::size_t k : order) cached_free(blocks[k]);
    void* whole = cached_allocate(9 * mb);
    CHECK(held_bytes() == held);
    CHECK(whole == blocks[0]);
    cached_free(whole);
    cached_free(wall);
  }
}

TEST_CASE("a repeated sequence takes no fresh memory after its first round", "[allocator]") {
  release_cached_memory();
  const std::vector<std::uintptr_t> first = work_round(1, 4 * mb);
  const std::size_t held = held_bytes();
  const long faults = minor_faults();
  for (int round = 0; round < 3; ++round) CHECK(work_round(1, 4 * mb) == first);
  CHECK(held_bytes() == held);
  CHECK(minor_faults() - faults < 50);  // a round touches 1500 huge pages' worth
  release_cached_memory();
}

TEST_CASE("work of alternating sizes does not pile memory up", "[allocator]") {
  release_cached_memory();
  reset_peak_memory();
  std::size_t largest = 0;
  for (int round = 0; round < 12; ++round) {
    work_round(static_cast<std::uint64_t>(round), round % 2 == 0 ? 4 * mb : mb + 12345);
    largest = std::max(largest, held_bytes());
  }
  CHECK(static_cast<double>(largest) < 1.25 * static_cast<double>(memory_use().peak_bytes));
  release_cached_memory();
}

TEST_CASE("a thread's own pages are no other thread's, while they are its own", "[allocator]") {
  release_cached_memory();
  void* common = cached_allocate(mb);
  cached_free(common);
  void *first = nullptr, *kept = nullptr;
  {
    const OwnPages pages;
    first = cached_allocate(mb);
    CHECK(first != common);
    cached_free(first);
    const std::size_t held = held_bytes();
    std::thread([&] {
      const OwnPages others;
      void* block = cached_allocate(mb);
      CHECK(block != first);
      CHECK(block != common);
      cached_free(block);
    }).join();
    CHECK(held_bytes() == held);  // the thread's free pages have gone with it
    kept = cached_allocate(mb);
    CHECK(kept == first);
  }
  void* again = cached_allocate(mb);  // from the common pages
  CHECK(again == common);
  {
    const OwnPages pages;  // those that were given back, with a block still in them
    void* block = cached_allocate(mb);
    CHECK(block != kept);
    CHECK(block != again);
    cached_free(kept);  // to where it came from
    void* merged = cached_allocate(mb);
    CHECK((merged != block && merged != again));
    cached_free(merged);
    cached_free(block);
  }
  cached_free(again);
  release_cached_memory();
  CHECK(memory_use().cached_bytes == 0);
}

TEST_CASE("memory that one heap keeps free serves another where the system has no more", "[allocator]") {
  release_cached_memory();
  rlimit before{};
  getrlimit(RLIMIT_AS, &before);
  constexpr std::size_t large = 600 * mb;
  void* common = cached_allocate(large);
  const rlimit now{address_space() + 100 * mb, before.rlim_max};
  cached_free(common);  // kept, and mapped
  REQUIRE(setrlimit(RLIMIT_AS, &now) == 0);
  void* own = nullptr;
  {
    const OwnPages pages;
    own = cached_allocate(large);
  }
  setrlimit(RLIMIT_AS, &before);
  CHECK(own != nullptr);
  cached_free(own);
  release_cached_memory();
}
