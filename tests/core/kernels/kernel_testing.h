#pragma once
// What tests of kernels share: exact data, buffers that notice strays, and every instruction set in turn.

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "core/kernels/isa.h"
#include "core/parallel.h"
#include "tests/catch.h"

namespace weft::test {

/// Floats between two guard zones. Inputs read past their end turn results into NaN; writes past it are seen.
class GuardedBuffer {
 public:
  explicit GuardedBuffer(std::int64_t count) : values_(static_cast<std::size_t>(count) + 2 * guard, outside()) {}
  float* data() { return values_.data() + guard; }
  std::vector<float> content() const { return {values_.begin() + guard, values_.end() - guard}; }
  bool is_guard_intact() const {
    const auto is_nan = [](float v) { return v != v; };
    return std::all_of(values_.begin(), values_.begin() + guard, is_nan) &&
           std::all_of(values_.end() - guard, values_.end(), is_nan);
  }

 private:
  static constexpr int guard = 64;
  static float outside() { return std::numeric_limits<float>::quiet_NaN(); }
  std::vector<float> values_;
};

/// Integers in [-limit, limit], so that float32 sums of their products are exact.
inline GuardedBuffer small_integers(std::int64_t count, std::uint32_t seed, int limit = 3) {
  GuardedBuffer buffer(count);
  std::uint32_t state = seed * 2654435761u + 1;
  for (std::int64_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    buffer.data()[i] =
        static_cast<float>(static_cast<int>((state >> 16) % static_cast<std::uint32_t>(2 * limit + 1)) - limit);
  }
  return buffer;
}

/// Values in [-1, 1) with full mantissas.
inline GuardedBuffer fractions(std::int64_t count, std::uint32_t seed) {
  GuardedBuffer buffer = small_integers(count, seed, 16383);
  for (std::int64_t i = 0; i < count; ++i) buffer.data()[i] /= 16384.0f;
  return buffer;
}

/// Calls body with each instruction set that this processor has, then restores the one before.
template <class Body>
void for_each_isa(Body&& body) {
  const std::string before = kernels::isa_name();
  for (const std::string& name : kernels::available_isas()) {
    kernels::select_isa(name);
    INFO("instruction set " << name);
    body();
  }
  kernels::select_isa(before);
}

/// Calls body with 1, 2, 3 and 7 threads and checks that its result, a vector, keeps its bits.
template <class Body>
void check_thread_independence(Body&& body) {
  const int before = num_threads();
  set_num_threads(1);
  const auto expected = body();
  for (int threads : {2, 3, 7}) {
    set_num_threads(threads);
    CHECK(body() == expected);
  }
  set_num_threads(before);
}

}  // namespace weft::test
