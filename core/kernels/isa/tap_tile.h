#pragma once
// The inner loop of convolution: a tile of output pixels times a panel of output channels, in registers.
//
// Each step takes one source channel k. Its weights for the panel's channels are `vectors` vector loads; each pixel's
// value is broadcast and multiplied with them, so pixels * vectors accumulators each receive one multiply-add:
//
//   acc[m][v] += source[pixel m + tap][k] * packed[tap][k][v]
//
// With AVX-512 and 6 pixels x 64 channels, 24 multiply-adds need 4 + 6 loads, which leaves the arithmetic as the
// bottleneck. Sums go over all taps and the channels [k0, k0 + channels) before anything is stored.

#include "core/kernels/isa/store_sums.h"

namespace weft::kernels::WEFT_ISA {
namespace {

constexpr int max_tile_vectors = vector_registers == 32 ? 4 : 2;
constexpr int max_tile_pixels = 12;

/// Pixels of a tile whose panel has that many vectors: as many accumulators as the registers hold, with at most 12
/// pixels, whose addresses have to stay in registers too.
constexpr int tile_pixels(int vectors) {
  if (vector_registers == 16) return vectors == 1 ? 12 : 6;
  return vectors <= 2 ? 12 : vectors == 3 ? 8 : 6;
}

/// Lines that are fetched for later while a tile is computed: `each` of them with each of so many channels.
struct LinesMeanwhile {
  const float* from;
  std::int64_t channels, each;
};

/// The work of one tile.
struct TapTile {
  const float* const* pixels;   // [taps][tile_pixels] where pixel_step says so, else [tile_pixels] for all taps
  std::int64_t pixel_step;      // from one tap's pixels to the next's: tile_pixels or 0
  const std::int64_t* offsets;  // [taps], added to the pixels
  std::int64_t group;           // for narrow tiles: taps in a group, 1 or 3 (narrow_tile.h)
  bool are_neighbours;          // for narrow tiles: see add_neighbours
  bool is_outside_left, is_outside_right;  // for these: the first pixel's first tap, the last one's last is a zero
  std::int64_t taps, k0, channels;
  std::int64_t prefetch;        // floats from here to the next tile's pixels where they should be fetched ahead, else 0
  LinesMeanwhile meanwhile[5];  // for tap_tile_function<true>; of which there are:
  std::int64_t meanwhile_count;
  const float* packed;         // [taps][channels][vectors * lanes]
  const std::int64_t* out_at;  // [tile_pixels], where each pixel's result goes in out and residual. Of neighbours whose
                               // results are neighbours in out only the first and the last are set, and of pixels the
                               // first
  std::int64_t count;          // pixels that are stored
  std::int64_t columns;        // channels that are stored
  bool is_first;               // the residual, if any, starts the sum; else out holds the sum over earlier channels
  bool is_last;                // bias and activation end it
  const float* bias;           // [vectors * lanes] or null
  const float* residual;       // or null
  float low, high;             // the activation's clamp
  bool past_caches;            // see belongs_past_caches
  StoreSums sums;              // of the panel's channels; wanted in the last chunk alone
  float* out;
};

/// What the sums of a tile are added to, or null. Only the first chunk of channels reads the residual, which may lie in
/// out.
WEFT_ALWAYS_INLINE const float* earlier_of(const TapTile& t) { return t.is_first ? t.residual : t.out; }

/// What becomes of a tile's sums before they are stored, but for the sums or the residual that they are added to.
template <int vectors>
struct TileEnd {
  Vec bias[vectors], low, high;

  WEFT_ALWAYS_INLINE explicit TileEnd(const TapTile& t) {
    const float infinity = __builtin_inff();
    low = broadcast(t.is_last ? t.low : -infinity), high = broadcast(t.is_last ? t.high : infinity);
    WEFT_UNROLL
    for (int v = 0; v < vectors; ++v)
      bias[v] = t.is_last && t.bias != nullptr ? load(t.bias + v * lanes) : -Vec{};  // minus zero changes nothing
  }
  WEFT_ALWAYS_INLINE Vec operator()(Vec sum, int v) const { return clamp(sum + bias[v], low, high); }
};

/// Stores a whole tile. Each question is asked once for the tile: the sums of few channels are soon done.
template <int pixels, int vectors>
WEFT_ALWAYS_INLINE void finish_whole(const TapTile& t, Vec (&acc)[pixels][vectors]) {
  const std::int64_t* const out_at = t.out_at;
  float* const out = t.out;
  const float* const earlier = earlier_of(t);
  const TileEnd<vectors> end(t);
  const bool past_caches = t.past_caches;
  if (earlier != nullptr) {
    WEFT_UNROLL
    for (int m = 0; m < pixels; ++m) {
      WEFT_UNROLL
      for (int v = 0; v < vectors; ++v) acc[m][v] += load(earlier + out_at[m] + v * lanes);
    }
  }
  WEFT_UNROLL
  for (int m = 0; m < pixels; ++m) {
    WEFT_UNROLL
    for (int v = 0; v < vectors; ++v) acc[m][v] = end(acc[m][v], v);
  }
  if (t.sums.are_wanted()) {
    const StoreSums sums = t.sums;
    WEFT_UNROLL
    for (int v = 0; v < vectors; ++v) {
      Vec column[pixels];
      WEFT_UNROLL
      for (int m = 0; m < pixels; ++m) column[m] = acc[m][v];
      take_sums(sums, v * lanes, column,
                [&](const float* image, int m) { return load(image + out_at[m] + v * lanes); });
      WEFT_UNROLL
      for (int m = 0; m < pixels; ++m) acc[m][v] = column[m];
    }
  }
  const auto store_all = [&](auto store_at) {
    WEFT_UNROLL
    for (int m = 0; m < pixels; ++m) {
      WEFT_UNROLL
      for (int v = 0; v < vectors; ++v) store_at(out + out_at[m] + v * lanes, acc[m][v]);
    }
  };
  if (past_caches) {
    store_all([](float* to, Vec y) { store_past_caches(to, y); });
  } else {
    store_all([](float* to, Vec y) { store(to, y); });
  }
}

/// Stores those of a tile's pixels and channels that exist.
template <int vectors>
__attribute__((noinline)) void finish_part(const TapTile& t, const Vec* sums) {
  const float* const earlier = earlier_of(t);
  const TileEnd<vectors> end(t);
  for (int v = 0; v < vectors; ++v) {
    const std::int64_t left = min64(t.columns - v * lanes, lanes);
    if (left <= 0) continue;
    StoreSums so_far = t.sums;
    for (std::int64_t m = 0; m < t.count; ++m, so_far.is_first = false) {
      const std::int64_t at = t.out_at[m] + v * lanes;
      Vec sum[] = {sums[m * vectors + v]};
      if (earlier != nullptr) sum[0] += left == lanes ? load(earlier + at) : load_partial(earlier + at, left);
      sum[0] = end(sum[0], v);
      if (so_far.are_wanted())
        take_sums(so_far, v * lanes, sum, [&](const float* image, int) { return load_partial(image + at, left); });
      if (t.past_caches) {
        store_past_caches(t.out + at, sum[0]);
      } else if (left == lanes) {
        store(t.out + at, sum[0]);
      } else {
        store_partial(t.out + at, sum[0], left);
      }
    }
  }
}

/// Fetches the lines that belong to channel k.
WEFT_ALWAYS_INLINE void fetch_meanwhile(const TapTile& t, std::int64_t k) {
  for (std::int64_t i = 0; i < t.meanwhile_count; ++i) {
    const LinesMeanwhile& m = t.meanwhile[i];
    if (k >= m.channels) continue;
    const float* line = m.from + k * m.each * cache_line_floats;
    __builtin_prefetch(line, 0, 2);
    for (std::int64_t n = 1; n < m.each; ++n) __builtin_prefetch(line + n * cache_line_floats, 0, 2);
  }
}

template <int pixels, int vectors, bool fetches_meanwhile>
void run_tap_tile(const TapTile& t) {
  constexpr int line_vectors = cache_line_floats / lanes;
  Vec acc[pixels][vectors] = {};
  const float* packed = t.packed;
  if (t.prefetch != 0 && !t.past_caches) {  // few products: the lines that they are stored to had better be there then
    WEFT_UNROLL
    for (int m = 0; m < pixels; ++m) {
      WEFT_UNROLL
      for (int v = 0; v < vectors; v += line_vectors) __builtin_prefetch(t.out + t.out_at[m] + v * lanes, 1);
    }
  }
  if (t.sums.are_of_gradient()) {
    WEFT_UNROLL
    for (int m = 0; m < pixels; ++m) {
      WEFT_UNROLL
      for (int v = 0; v < vectors; v += line_vectors) {
        __builtin_prefetch(t.sums.x + t.out_at[m] + v * lanes);
        if (t.sums.y != nullptr) __builtin_prefetch(t.sums.y + t.out_at[m] + v * lanes);
      }
    }
  }
  const float* const* tap_pixels = t.pixels;
  for (std::int64_t tap = 0; tap < t.taps; ++tap, tap_pixels += t.pixel_step) {
    const float* a[pixels];
    WEFT_UNROLL
    for (int m = 0; m < pixels; ++m) a[m] = tap_pixels[m] + t.offsets[tap] + t.k0;
    for (std::int64_t k = 0; k < t.channels;) {
      std::int64_t end = t.channels;
      if (t.prefetch != 0) {
        WEFT_UNROLL
        for (int m = 0; m < pixels; ++m) __builtin_prefetch(a[m] + k + t.prefetch);
        end = min64(end, k + cache_line_floats);
      }
      for (; k < end; ++k, packed += vectors * lanes) {
        if constexpr (fetches_meanwhile) fetch_meanwhile(t, k);
        Vec b[vectors];
        WEFT_UNROLL
        for (int v = 0; v < vectors; ++v) b[v] = load(packed + v * lanes);
        WEFT_UNROLL
        for (int m = 0; m < pixels; ++m) {
          const Vec value = broadcast(a[m][k]);
          WEFT_UNROLL
          for (int v = 0; v < vectors; ++v) acc[m][v] += value * b[v];
        }
      }
    }
  }
  if (t.count == pixels && t.columns == vectors * lanes) return finish_whole<pixels, vectors>(t, acc);
  Vec sums[pixels * vectors];
  WEFT_UNROLL
  for (int m = 0; m < pixels; ++m) {
    WEFT_UNROLL
    for (int v = 0; v < vectors; ++v) sums[m * vectors + v] = acc[m][v];
  }
  finish_part<vectors>(t, sums);
}

using RunTapTile = void (*)(const TapTile&);

/// Tiles with lines to fetch meanwhile have a function of their own: asking each step would cost the others 3 to 15%.
template <bool fetches_meanwhile = false>
WEFT_ALWAYS_INLINE RunTapTile tap_tile_function(std::int64_t vectors) {
#if defined(WEFT_ISA_avx512)
  constexpr RunTapTile functions[] = {
      run_tap_tile<tile_pixels(1), 1, fetches_meanwhile>, run_tap_tile<tile_pixels(2), 2, fetches_meanwhile>,
      run_tap_tile<tile_pixels(3), 3, fetches_meanwhile>, run_tap_tile<tile_pixels(4), 4, fetches_meanwhile>};
#else
  constexpr RunTapTile functions[] = {run_tap_tile<tile_pixels(1), 1, fetches_meanwhile>,
                                      run_tap_tile<tile_pixels(2), 2, fetches_meanwhile>};
#endif
  return functions[vectors - 1];
}

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
