#pragma once
// Convolution to very few channels, such as a segmentation head's one. Filling vectors with output channels would
// leave most lanes empty, so here the source channels fill them:
//
//   acc[m] += source[pixel m + tap][k .. k + lanes) * packed[tap][o][k .. k + lanes)          out = sum of acc's lanes
//
// A tile has as many pixels as a vector has lanes, m = 0 .. lanes - 1. So the sums of all its accumulators are one
// vector again, and summing them costs a step of pairs for each accumulator instead of log2(lanes) steps (sum_each
// below): with 16 channels and 9 taps, adding up lane by lane took several times as long as the products.

#include "core/kernels/isa/tap_tile.h"

namespace weft::kernels::WEFT_ISA {
namespace {

constexpr int narrow_tile_pixels = lanes;

/// One step towards sums of lanes: a and b both consist of runs of 2 * half lanes, one run for each vector that went in
/// before. Adds the halves of each run, and puts a's runs, now of half the length, before b's.
template <int half>
WEFT_ALWAYS_INLINE Vec add_halves(Vec a, Vec b) {
#if defined(WEFT_ISA_avx512)
  if constexpr (half == 8) {
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
           __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
  } else if constexpr (half == 4) {
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +
           __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
  } else if constexpr (half == 2) {
    return __builtin_shufflevector(a, b, 0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29) +
           __builtin_shufflevector(a, b, 2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31);
  } else {
    return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30) +
           __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  }
#elif defined(WEFT_ISA_avx2)
  if constexpr (half == 4) {
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11) +
           __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
  } else if constexpr (half == 2) {
    return __builtin_shufflevector(a, b, 0, 1, 4, 5, 8, 9, 12, 13) +
           __builtin_shufflevector(a, b, 2, 3, 6, 7, 10, 11, 14, 15);
  } else {
    return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14) +
           __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
  }
#else
  if constexpr (half == 2) {
    return __builtin_shufflevector(a, b, 0, 1, 4, 5) + __builtin_shufflevector(a, b, 2, 3, 6, 7);
  } else {
    return __builtin_shufflevector(a, b, 0, 2, 4, 6) + __builtin_shufflevector(a, b, 1, 3, 5, 7);
  }
#endif
}

/// Lane m of the result is the sum of v[m]'s lanes, for `lanes` vectors. Overwrites v.
template <int half = lanes / 2>
WEFT_ALWAYS_INLINE Vec sum_each(Vec* v) {
  WEFT_UNROLL
  for (int i = 0; i < half; ++i) v[i] = add_halves<half>(v[2 * i], v[2 * i + 1]);
  if constexpr (half > 1) {
    return sum_each<half / 2>(v);
  } else {
    return v[0];
  }
}

/// acc[m] += the taps' products with pixel m, any tile. Packed weights are [taps][columns][channels rounded up to
/// vectors]; `packed` is a column of them. Sums go group of taps by group, vector by vector, tap by tap: as below, so
/// that a pixel's sum does not depend on the tile that it is in.
template <int group>
WEFT_ALWAYS_INLINE void add_taps(const TapTile& t, const float* packed, std::int64_t packed_step, Vec* acc) {
  for (std::int64_t tap = 0; tap < t.taps; tap += group, packed += group * packed_step) {
    for_each_vector(t.channels, [&](auto part, std::int64_t k) {
      for (int i = 0; i < group; ++i) {
        const Vec weight = load(packed + i * packed_step + k);
        const float* const* pixels = t.pixels + (tap + i) * t.pixel_step;
        WEFT_UNROLL
        for (int m = 0; m < narrow_tile_pixels; ++m)
          acc[m] += part.load_from(pixels[m] + t.offsets[tap + i] + k) * weight;
      }
    });
  }
}

/// The same where each tap of a group is one pixel right of the one before, and the tile's pixels are neighbours: what
/// is loaded once meets all taps of a group. A picture's rows begin and end with such tiles too: there the outermost
/// tap is a zero.
template <int group>
WEFT_ALWAYS_INLINE void add_neighbours(const TapTile& t, const float* packed, std::int64_t packed_step, Vec* acc) {
  constexpr int last = narrow_tile_pixels + group - 2;
  for (std::int64_t tap = 0; tap < t.taps; tap += group, packed += group * packed_step) {
    const float* row = t.pixels[0] + t.offsets[tap];
    // No earlier tile has brought the last group's row near, and the processor alone fetches it too late: four tiles
    // ahead. A fetch beyond the source does nothing.
    if (tap + group == t.taps) {
      WEFT_UNROLL
      for (int m = 0; m < narrow_tile_pixels; ++m) __builtin_prefetch(row + (4 * narrow_tile_pixels + m) * t.channels);
    }
    for_each_vector(t.channels, [&](auto part, std::int64_t k) {
      Vec weights[group];
      WEFT_UNROLL
      for (int i = 0; i < group; ++i) weights[i] = load(packed + i * packed_step + k);
      WEFT_UNROLL
      for (int m = 0; m <= last; ++m) {
        const bool is_outside = (m == 0 && t.is_outside_left) || (m == last && t.is_outside_right);
        const Vec value = is_outside ? Vec{} : kept_in_register(part.load_from(row + m * t.channels + k));
        WEFT_UNROLL
        for (int i = 0; i < group; ++i) {
          if (m >= i && m - i < narrow_tile_pixels) acc[m - i] += value * weights[i];
        }
      }
    });
  }
}

/// The tile's results: sums, one for each pixel, in column o.
WEFT_ALWAYS_INLINE void finish_narrow(const TapTile& t, std::int64_t o, Vec sums) {
  // One column of pixels that follow each other lies in out as the sums do.
  const bool is_vector = t.count == lanes && t.out_at[lanes - 1] - t.out_at[0] == lanes - 1;
  float values[lanes];
  if (t.residual != nullptr && is_vector) {
    sums += load(t.residual + t.out_at[0] + o);
  } else if (t.residual != nullptr) {
    for (std::int64_t m = 0; m < lanes; ++m) values[m] = t.residual[t.out_at[m] + o];
    sums += load(values);
  }
  if (t.bias != nullptr) sums += broadcast(t.bias[o]);
  sums = clamp(sums, broadcast(t.low), broadcast(t.high));
  if (is_vector) return store(t.out + t.out_at[0] + o, sums);
  store(values, sums);
  for (std::int64_t m = 0; m < t.count; ++m) t.out[t.out_at[m] + o] = values[m];
}

/// A narrow tile of all channels.
void run_narrow_tile(const TapTile& t) {
  const std::int64_t padded = ceil_div(t.channels, lanes) * lanes;
  for (std::int64_t o = 0; o < t.columns; ++o) {
    Vec acc[narrow_tile_pixels] = {};
    const float* const packed = t.packed + o * padded;
    if (t.are_neighbours) {
      add_neighbours<3>(t, packed, t.columns * padded, acc);
    } else if (t.group == 3) {
      add_taps<3>(t, packed, t.columns * padded, acc);
    } else {
      add_taps<1>(t, packed, t.columns * padded, acc);
    }
    finish_narrow(t, o, sum_each(acc));
  }
}

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
