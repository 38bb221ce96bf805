#pragma once
// A tile of a depthwise convolution's two gradients (conv_depthwise_backward.cpp has the formulas): neighbouring pixels
// of a row of x, with the rows of dy that they meet.
//
//   16 channels at a time
//     blocks of 8 pixels: x and dx in registers, each row's weights and each dy loaded once, dw summed up in registers
//
// And then batch norm's sums over the tile's dx, when it is stored.
//
// Meanwhile lines are fetched that later tiles are made from. Of fetches in one burst a processor drops those that find
// too many under way. So they are spread over all that is computed, and a line is asked for more than once, one to
// three tiles ahead.

#include "core/kernels/isa/depthwise_rows.h"
#include "core/kernels/isa/store_sums.h"

namespace weft::kernels::WEFT_ISA {
namespace {

// A block's x and dx fit in registers beside the sums and a row of weights. Where registers are few, the sums are those
// of a row of taps, and go back to memory after each block.
constexpr int block_pixels = vector_registers == 32 ? 8 : 4;
constexpr bool keeps_sums = vector_registers == 32;

/// Neighbouring pixels of a row of x, and what they meet.
struct Tile {
  std::int64_t pixels, channels;
  std::int64_t stride;  // floats from tap to tap of weights and sums
  const float* x;
  float* dx;
  // Rows of dy, from above, at the first pixel's column, and their taps' weights and sums.
  const float *dy[3], *weights[3];
  float* sums[3];
};

/// What later tiles are made from: x's image and the two of dy.
struct Later {
  const float* next[3];          // the next tile
  std::int64_t to_following[3];  // floats from there to the one after it
  const float* third_x;
};

/// The lines that fall to a block of pixels: so many of x's image and then of each of dy's.
template <int step>
struct BlockLines {
  static constexpr int of_x = block_pixels * lanes / cache_line_floats, of_dy = of_x / step, all = of_x + 2 * of_dy;

  /// Fetches one of them. `block`: the blocks before this one.
  static WEFT_ALWAYS_INLINE void fetch(const Later& later, std::int64_t block, int line) {
    const int image = line < of_x ? 0 : 1 + (line - of_x) / max_dy,
              of_image = line < of_x ? line : (line - of_x) % max_dy;
    const float* next = later.next[image] + (block * (line < of_x ? of_x : of_dy) + of_image) * cache_line_floats;
    __builtin_prefetch(next, 0, 2);
    __builtin_prefetch(next + later.to_following[image], 0, 2);
  }

 private:
  static constexpr int max_dy = of_dy > 0 ? of_dy : 1;
};

/// The pixels from q on, at the channels from c on that fill the lanes. `step` pixels of x lie between those that the
/// same tap leads to from neighbours in dy. `block`: the whole blocks before this one.
template <int step, int rows, int pixels, bool is_whole>
WEFT_ALWAYS_INLINE void meet(const Tile& tile, Lanes<is_whole> part, std::int64_t q, std::int64_t c,
                             Vec (&sums)[rows][3], const Later& later, std::int64_t block) {
  constexpr int first = step == 1 ? -1 : 0, last = pixels / step;  // columns of dy that are met
  // Lines are spread over the columns of all rows. A single row of stride 2 is one for which no dy is made.
  constexpr int slots = rows * (last - first + 1);
  constexpr int lines = pixels < block_pixels    ? 0
                        : step == 2 && rows == 1 ? BlockLines<step>::of_x
                                                 : BlockLines<step>::all;
  int slot = 0;
  Vec x[pixels], dx[pixels] = {};
  const float* x_at = tile.x + q * tile.channels + c;
  WEFT_UNROLL
  for (int p = 0; p < pixels; ++p, x_at = next_place(x_at, tile.channels))
    x[p] = kept_in_register(part.load_from(x_at));
  WEFT_UNROLL
  for (int k = 0; k < rows; ++k) {
    Vec weights[3];
    WEFT_UNROLL
    for (int v = 0; v < 3; ++v) {
      weights[v] = kept_in_register(load(tile.weights[k] + v * tile.stride + c));
      if (!keeps_sums) sums[k][v] = load(tile.sums[k] + v * tile.stride + c);
    }
    const float* dy_at = tile.dy[k] + (q / step + first) * tile.channels + c;
    WEFT_UNROLL
    for (int column = first; column <= last; ++column, dy_at = next_place(dy_at, tile.channels)) {
      const Vec dy = kept_in_register(part.load_from(dy_at));
      WEFT_UNROLL
      for (int line = slot * lines / slots; line < (slot + 1) * lines / slots; ++line)
        BlockLines<step>::fetch(later, block, line);
      ++slot;
      WEFT_UNROLL
      for (int v = 2; v >= 0; --v) {
        const int p = column * step - 1 + v;
        if (p < 0 || p >= pixels) continue;
        dx[p] += dy * weights[v];
        sums[k][v] += dy * x[p];
      }
    }
    WEFT_UNROLL
    for (int v = 0; v < 3 && !keeps_sums; ++v) store(tile.sums[k] + v * tile.stride + c, sums[k][v]);
  }
  float* dx_at = tile.dx + q * tile.channels + c;
  WEFT_UNROLL
  for (int p = 0; p < pixels; ++p, dx_at = next_place(dx_at, tile.channels)) part.store_to(dx_at, dx[p]);
}

template <int step, int rows>
__attribute__((noinline)) void convolve_tile(const Tile& tile, const Later& later) {
  std::int64_t block = 0;
  for_each_vector(tile.channels, [&](auto part, std::int64_t c) {
    Vec sums[rows][3];
    WEFT_UNROLL
    for (int i = 0; i < 3 * rows && keeps_sums; ++i)
      sums[i / 3][i % 3] = load(tile.sums[i / 3] + i % 3 * tile.stride + c);
    std::int64_t q = 0;
    for (; q + block_pixels <= tile.pixels; q += block_pixels, ++block)
      meet<step, rows, block_pixels>(tile, part, q, c, sums, later, block);
    for (; q + 2 <= tile.pixels; q += 2) meet<step, rows, 2>(tile, part, q, c, sums, later, block);
    if (q < tile.pixels) meet<step, rows, 1>(tile, part, q, c, sums, later, block);
    WEFT_UNROLL
    for (int i = 0; i < 3 * rows && keeps_sums; ++i)
      store(tile.sums[i / 3] + i % 3 * tile.stride + c, sums[i / 3][i % 3]);
  });
}

using ConvolveTile = void (*)(const Tile&, const Later&);
/// By the rows of dy that are met.
constexpr ConvolveTile with_stride_1[] = {convolve_tile<1, 1>, convolve_tile<1, 2>, convolve_tile<1, 3>};
constexpr ConvolveTile with_stride_2[] = {convolve_tile<2, 1>, convolve_tile<2, 2>};

// A vector's sums and coefficients stay in registers, for a strip of so many vectors at once.
constexpr int most_strip_vectors = vector_registers == 32 ? 4 : 2;

/// The sums for a strip of channels from c on. The part's x and y and all other pointers are at the first pixel;
/// `later_x` is fetched.
template <int vectors, bool is_whole>
WEFT_ALWAYS_INLINE void sum_strip(const StoreSums& part, Lanes<is_whole> lanes_of, std::int64_t c, float* dx,
                                  std::int64_t pixels, std::int64_t channels, const float* later_x, float* out) {
  const Vec low = broadcast(part.low), high = broadcast(part.high);
  Vec mean[vectors], factor[vectors], offset[vectors], sum[vectors], product[vectors];
  WEFT_UNROLL
  for (int v = 0; v < vectors; ++v) {
    const std::int64_t at = c + v * lanes;
    mean[v] = load(part.mean + at), factor[v] = load(part.factor + at), offset[v] = load(part.offset + at);
    sum[v] = Vec{}, product[v] = Vec{};
  }
  const auto add_all = [&](auto store_at) {
    for (std::int64_t at = c; at < pixels * channels; at += channels) {
      WEFT_UNROLL
      for (int v = 0; v < vectors; ++v) {
        const std::int64_t here = at + v * lanes;
        const Vec g = lanes_of.load_from(dx + here), value = lanes_of.load_from(part.x + here);
        __builtin_prefetch(later_x + here, 0, 2);
        const Vec y = part.y != nullptr ? lanes_of.load_from(part.y + here) : value * factor[v] + offset[v];
        const Vec dz = (y > low) & (y < high) ? g : Vec{};
        sum[v] += dz;
        product[v] += dz * (value - mean[v]);
        store_at(here, dz);
      }
    }
  };
  if (out != nullptr) {
    add_all([out](std::int64_t at, Vec dz) { store_past_caches(out + at, dz); });
  } else {
    add_all([&](std::int64_t at, Vec dz) { lanes_of.store_to(dx + at, dz); });
  }
  WEFT_UNROLL
  for (int v = 0; v < vectors; ++v) add_to_part(part, c + v * lanes, sum[v], product[v]);
}

/// Adds batch norm's sums over some pixels, of which `first` come before in the image, to the part's. dx becomes dz; it
/// is stored to `out` past the caches where that is not null.
__attribute__((noinline)) void sum_tile(StoreSums part, std::int64_t first, float* dx, std::int64_t pixels,
                                        std::int64_t channels, const float* later_x, float* out) {
  part.x += first * channels;
  if (part.y != nullptr) part.y += first * channels;
  constexpr Lanes<true> all{lanes};
  std::int64_t c = 0;
  for (; c + most_strip_vectors * lanes <= channels; c += most_strip_vectors * lanes)
    sum_strip<most_strip_vectors>(part, all, c, dx, pixels, channels, later_x, out);
  for (; most_strip_vectors > 2 && c + 2 * lanes <= channels; c += 2 * lanes)
    sum_strip<2>(part, all, c, dx, pixels, channels, later_x, out);
  for (; c + lanes <= channels; c += lanes) sum_strip<1>(part, all, c, dx, pixels, channels, later_x, out);
  if (c < channels) sum_strip<1>(part, Lanes<false>{channels - c}, c, dx, pixels, channels, later_x, nullptr);
}

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
