#pragma once
// How the taps of a grid lie to each other.

#include "core/kernels/isa/tap_grid.h"
#include "core/kernels/isa/vec.h"

namespace weft::kernels::WEFT_ISA {
namespace {

/// True where the taps lie side by side in groups of `size`, each one pixel right of the one before.
inline bool are_side_by_side(const TapGrid& g, std::int64_t size) {
  for (std::int64_t tap = 0; tap < g.tap_count; ++tap) {
    const Tap& first = g.taps[tap / size * size];
    if (g.taps[tap].row != first.row || g.taps[tap].col != first.col + tap % size) return false;
  }
  return g.tap_count % size == 0;
}

/// How many taps lie side by side in each group, of whatever size.
inline std::int64_t taps_side_by_side(const TapGrid& g) {
  std::int64_t size = g.tap_count;
  while (size > 1 && !are_side_by_side(g, size)) --size;
  return max64(size, 1);
}

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
