#pragma once
// Convolution to very few channels, such as a segmentation head's one. Filling vectors with output channels would
// leave most lanes empty, so here the source channels fill them:
//
//   acc[m] += source[pixel m + tap][k .. k + lanes) * packed[tap][o][k .. k + lanes)          out = sum of acc's lanes

#include "core/kernels/isa/tap_tile.h"

namespace weft::kernels::WEFT_ISA {
namespace {

constexpr int narrow_tile_pixels = 8;

/// Packed weights are [taps][columns][channels rounded up to vectors]; channels are all that there are.
void run_narrow_tile(const TapTile& t) {
  const std::int64_t padded = ceil_div(t.channels, lanes) * lanes;
  for (std::int64_t o = 0; o < t.columns; ++o) {
    Vec acc[narrow_tile_pixels] = {};
    const float* packed = t.packed + o * padded;
    const float* const* tap_pixels = t.pixels;
    for (std::int64_t tap = 0; tap < t.taps; ++tap, tap_pixels += t.pixel_step, packed += t.columns * padded) {
      for_each_vector(t.channels, [&](auto part, std::int64_t k) {
        const Vec weight = load(packed + k);
        WEFT_UNROLL
        for (int m = 0; m < narrow_tile_pixels; ++m)
          acc[m] += part.load_from(tap_pixels[m] + t.offsets[tap] + k) * weight;
      });
    }
    float sums[narrow_tile_pixels];
    WEFT_UNROLL
    for (int m = 0; m < narrow_tile_pixels; ++m) sums[m] = sum_lanes(acc[m]);
    for (std::int64_t m = 0; m < t.count; ++m) {
      float sum = sums[m];
      if (t.residual != nullptr) sum += t.residual[t.out_at[m] + o];
      if (t.bias != nullptr) sum += t.bias[o];
      sum = sum < t.low ? t.low : sum;
      t.out[t.out_at[m] + o] = sum > t.high ? t.high : sum;
    }
  }
}

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
