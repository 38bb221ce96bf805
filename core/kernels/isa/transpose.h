#pragma once
// Filters change places with their channels: in a weight tensor the 9 taps of a 3x3 filter lie together, while kernels
// compute with vectors of one tap for `lanes` output channels. The matrix between them is transposed in registers.

#include <utility>

#include "core/kernels/isa/vec.h"

namespace weft::kernels::WEFT_ISA {
namespace {

/// Swaps a's upper and b's lower half of each run of 2 `half` lanes; `lane` counts the lanes.
template <int half, int... lane>
WEFT_ALWAYS_INLINE void swap_halves(Vec& a, Vec& b, std::integer_sequence<int, lane...>) {
  const Vec lower = __builtin_shufflevector(a, b, ((lane & half) == 0 ? lane : lane - half + lanes)...);
  b = __builtin_shufflevector(a, b, ((lane & half) == 0 ? lane + half : lane + lanes)...);
  a = lower;
}

template <int half>
WEFT_ALWAYS_INLINE void transpose_blocks(Vec (&rows)[lanes]) {
  if constexpr (half > 0) {
    WEFT_UNROLL
    for (int i = 0; i < lanes; ++i) {
      if ((i & half) == 0) swap_halves<half>(rows[i], rows[i + half], std::make_integer_sequence<int, lanes>());
    }
    transpose_blocks<half / 2>(rows);
  }
}

/// rows[i][j] becomes rows[j][i]: blocks across the diagonal change places, then blocks within the blocks.
WEFT_ALWAYS_INLINE void transpose(Vec (&rows)[lanes]) { transpose_blocks<lanes / 2>(rows); }

/// taps[t][n] = from[n step + t] for n < count, else 0.
WEFT_ALWAYS_INLINE void load_filters(const float* from, std::int64_t step, std::int64_t count, Vec (&taps)[9]) {
  WEFT_UNROLL
  for (int first = 0; first < 9; first += lanes) {
    Vec rows[lanes];
    WEFT_UNROLL
    for (int n = 0; n < lanes; ++n)
      rows[n] = n < count ? load_partial(from + n * step + first, min64(lanes, 9 - first)) : Vec{};
    transpose(rows);
    WEFT_UNROLL
    for (int t = first; t < min64(9, first + lanes); ++t) taps[t] = rows[t - first];
  }
}

/// to[n step + t] = taps[t][n]. What follows each filter's 9 taps, up to a whole vector more, is overwritten.
WEFT_ALWAYS_INLINE void store_filters(const Vec (&taps)[9], float* to, std::int64_t step) {
  WEFT_UNROLL
  for (int first = 0; first < 9; first += lanes) {
    Vec rows[lanes] = {};
    WEFT_UNROLL
    for (int t = first; t < min64(9, first + lanes); ++t) rows[t - first] = taps[t];
    transpose(rows);
    WEFT_UNROLL
    for (int n = 0; n < lanes; ++n) store(to + n * step + first, rows[n]);
  }
}

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
