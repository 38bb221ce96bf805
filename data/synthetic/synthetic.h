#pragma once
// The synthetic data set: drawn people in clothes, with the exact mask of every garment.
//
// It exists so that everything runs where no photographs are at hand. A picture depends on the seed and its own
// index alone, so any part of the set can be drawn on any number of threads.

#include <array>
#include <cstdint>

#include "data/image.h"

namespace weft {

struct SyntheticSample {
  Image picture;  ///< RGB
  Image labels;   ///< one channel of ATR ids 0..17
};

struct SyntheticSize {
  int width = 512, height = 512;  ///< pixels
};
inline constexpr int synthetic_smallest = 32, synthetic_largest = 4096;

/// Throws Error unless both sides lie in synthetic_smallest..synthetic_largest pixels.
void check_synthetic_size(SyntheticSize size);

/// Draws picture `index` of the set named by `seed`. Throws as check_synthetic_size.
SyntheticSample draw_synthetic(std::uint64_t seed, std::uint64_t index, SyntheticSize size);
inline SyntheticSample draw_synthetic(std::uint64_t seed, std::uint64_t index, int size) {
  return draw_synthetic(seed, index, {size, size});
}

}  // namespace weft
