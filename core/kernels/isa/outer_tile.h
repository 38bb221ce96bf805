#pragma once
// The inner loop of the weight gradient: a sum of outer products over pixels, in registers.
//
//   sums[m][n] += sum over pixels of a[pixel][m] b[pixel][n]
//
// Both operands are stored pixel by pixel, so each pixel gives `vectors` loads of b and `rows` broadcasts of a for
// rows * vectors multiply-adds. The sums of a whole layer are too many for the near caches: a tile's are fetched at its
// start and arrive while the products are made.

#include "core/kernels/isa/vec.h"

namespace weft::kernels::WEFT_ISA {
namespace {

/// Some channels of an image, or of a packed part of one that starts at pixel (row0, col0).
struct ImageView {
  const float* data;
  std::int64_t row0, col0, row_step, pixel_step;

  WEFT_ALWAYS_INLINE const float* at(std::int64_t row, std::int64_t col) const {
    return data + (row - row0) * row_step + (col - col0) * pixel_step;
  }
};

/// Pixels of one row of a and of b that meet each other.
struct Strip {
  std::int64_t a_row, a_col, b_row, b_col, pixels;
};

struct OuterTile {
  const Strip* strips;
  std::int64_t strip_count;
  ImageView a, b;
  std::int64_t a_stride, b_stride;  // pixels from one meeting to the next: the convolution's stride, or 1
  bool add_to_sums;
  float* sums;  // [rows][vectors * lanes]
};

constexpr int max_outer_vectors = vector_registers == 32 ? 4 : 2;
constexpr int max_outer_rows(std::int64_t vectors) {
  if (vector_registers == 16) return vectors == 1 ? 12 : 6;
  return vectors == 1 ? 24 : vectors == 2 ? 12 : vectors == 3 ? 8 : 6;
}

/// A tile with few sums keeps several sets of them, for pixels in turn.
template <int rows, int vectors>
void run_outer_tile(const OuterTile& t) {
  constexpr int sets = rows * vectors < sums_under_way ? sums_under_way / (rows * vectors) : 1;
  for (int at = 0; at < rows * vectors * lanes; at += cache_line_floats) __builtin_prefetch(t.sums + at, 1);
  Vec acc[sets][rows][vectors] = {};
  const std::int64_t a_step = t.a.pixel_step * t.a_stride, b_step = t.b.pixel_step * t.b_stride;
  const auto add_pixel = [](const float* a, const float* b, Vec(&sums)[rows][vectors]) {
    Vec right[vectors];
    WEFT_UNROLL
    for (int v = 0; v < vectors; ++v) right[v] = load(b + v * lanes);
    WEFT_UNROLL
    for (int m = 0; m < rows; ++m) {
      const Vec left = broadcast(a[m]);
      WEFT_UNROLL
      for (int v = 0; v < vectors; ++v) sums[m][v] += left * right[v];
    }
  };
  for (std::int64_t s = 0; s < t.strip_count; ++s) {
    const Strip& strip = t.strips[s];
    const float* a = t.a.at(strip.a_row, strip.a_col);
    const float* b = t.b.at(strip.b_row, strip.b_col);
    std::int64_t pixel = 0;
    for (; pixel + sets <= strip.pixels; pixel += sets, a += sets * a_step, b += sets * b_step) {
      WEFT_UNROLL
      for (int set = 0; set < sets; ++set) add_pixel(a + set * a_step, b + set * b_step, acc[set]);
    }
    if constexpr (sets > 1) {
      for (; pixel < strip.pixels; ++pixel, a += a_step, b += b_step) add_pixel(a, b, acc[0]);
    }
  }
  WEFT_UNROLL
  for (int m = 0; m < rows; ++m) {
    WEFT_UNROLL
    for (int v = 0; v < vectors; ++v) {
      Vec sum = acc[0][m][v];
      WEFT_UNROLL
      for (int set = 1; set < sets; ++set) sum += acc[set][m][v];
      float* to = t.sums + (m * vectors + v) * lanes;
      store(to, t.add_to_sums ? load(to) + sum : sum);
    }
  }
}

using RunOuterTile = void (*)(const OuterTile&);

template <int vectors, int rows = max_outer_rows(vectors)>
RunOuterTile outer_tile_for_rows(std::int64_t wanted) {
  if constexpr (rows > 1) {
    if (wanted < rows) return outer_tile_for_rows<vectors, rows - 1>(wanted);
  }
  return run_outer_tile<rows, vectors>;
}

RunOuterTile outer_tile_function(std::int64_t rows, std::int64_t vectors) {
  if constexpr (max_outer_vectors == 4) {
    if (vectors == 4) return outer_tile_for_rows<max_outer_vectors>(rows);
    if (vectors == 3) return outer_tile_for_rows<max_outer_vectors - 1>(rows);
  }
  return vectors == 2 ? outer_tile_for_rows<2>(rows) : outer_tile_for_rows<1>(rows);
}

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
