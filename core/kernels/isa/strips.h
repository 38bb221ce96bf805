#pragma once
// Rows of channels as strips, so many that a strip's sums over some rows stay in registers. Up to `most_strip_vectors`
// are one strip, and memory is read in the order of its addresses.

#include "core/kernels/isa/vec.h"

namespace weft::kernels::WEFT_ISA {
namespace {

// Two sums for each vector and some temporaries fill the registers.
constexpr int most_strip_vectors = vector_registers == 32 ? 12 : 4;

/// Strips of a row, the vector that is not whole among them.
inline std::int64_t strip_count(std::int64_t channels) {
  return ceil_div(channels / lanes, most_strip_vectors) + (channels % lanes > 0 ? 1 : 0);
}

/// Calls body.template operator()<vectors>() with the number that is `wanted`, 1 to `most`.
template <int most, class Body>
WEFT_ALWAYS_INLINE void with_vectors(std::int64_t wanted, Body&& body) {
  if constexpr (most > 1) {
    if (wanted < most) return with_vectors<most - 1>(wanted, body);
  }
  body.template operator()<most>();
}

/// Calls body.template operator()<vectors>(lanes of each, first channel) for each strip.
template <class Body>
WEFT_ALWAYS_INLINE void for_each_strip(std::int64_t channels, Body&& body) {
  const std::int64_t vectors = channels / lanes, strips = ceil_div(vectors, most_strip_vectors);
  const std::int64_t rest = channels - vectors * lanes;
  for (std::int64_t s = 0; s < strips; ++s) {
    const Part strip = part_of(vectors, strips, s);
    with_vectors<most_strip_vectors>(
        strip.size, [&]<int size>() { body.template operator()<size>(Lanes<true>{lanes}, strip.begin * lanes); });
  }
  if (rest > 0) body.template operator()<1>(Lanes<false>{rest}, vectors * lanes);
}

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
