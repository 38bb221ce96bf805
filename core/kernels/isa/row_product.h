#pragma once
// A matrix product whose left rows lie at equal distances: the inner loop of minimal filtering.
//
//   out[r][n] = sum over taps and k of  a[r step + offset(tap) + k] packed[tap][k][n]
//
// The register tile is that of tap_tile.h; what is missing here are pixels, borders and epilogues.
//
// The products of a strip of tiles read the filters once from end to end, tens of megabytes in the deepest layers. The
// processor alone fetches those too late, so there each product fetches the filters of the next.

#include "core/kernels/isa/tap_tile.h"

namespace weft::kernels::WEFT_ISA {
namespace {

struct RowProduct {
  const float* a;
  std::int64_t step;            // from one row to the next
  const std::int64_t* offsets;  // [taps]
  std::int64_t taps, channels;
  const float* packed;  // [taps][channels][vectors * lanes], taps filter_step apart; the next product's follow
  std::int64_t filter_step;
  std::int64_t rows;
  float* out;  // [rows][vectors * lanes]
};

/// A line of the next product's filters for each step of this one, until all have been fetched.
struct FiltersAhead {
  const float* line;
  const float* end;

  WEFT_ALWAYS_INLINE std::int64_t step() const { return line < end ? cache_line_floats : 0; }
};

/// Rows [row, row + size).
template <int vectors, int size, bool fetches_ahead>
WEFT_ALWAYS_INLINE void multiply_rows(const RowProduct& p, std::int64_t row, FiltersAhead& ahead) {
  const std::int64_t ahead_step = ahead.step();
  Vec acc[size][vectors] = {};
  for (std::int64_t tap = 0; tap < p.taps; ++tap) {
    const float* packed = p.packed + tap * p.filter_step;
    const float* a[size];
    WEFT_UNROLL
    for (int m = 0; m < size; ++m) a[m] = p.a + (row + m) * p.step + p.offsets[tap];
    for (std::int64_t k = 0; k < p.channels; ++k, packed += vectors * lanes) {
      if constexpr (fetches_ahead) __builtin_prefetch(ahead.line, 0, 2), ahead.line += ahead_step;
      Vec b[vectors];
      WEFT_UNROLL
      for (int v = 0; v < vectors; ++v) b[v] = load(packed + v * lanes);
      WEFT_UNROLL
      for (int m = 0; m < size; ++m) {
        const Vec value = broadcast(a[m][k]);
        WEFT_UNROLL
        for (int v = 0; v < vectors; ++v) acc[m][v] += value * b[v];
      }
    }
  }
  WEFT_UNROLL
  for (int m = 0; m < size; ++m) {
    WEFT_UNROLL
    for (int v = 0; v < vectors; ++v) store(p.out + ((row + m) * vectors + v) * lanes, acc[m][v]);
  }
}

/// The last rows, too few for a whole tile, from `row` on.
template <int vectors, int size, bool fetches_ahead>
__attribute__((noinline)) void multiply_last_rows(const RowProduct& p, std::int64_t row, FiltersAhead ahead) {
  if constexpr (size > 1) {
    if (p.rows - row < size) return multiply_last_rows<vectors, size - 1, fetches_ahead>(p, row, ahead);
  }
  multiply_rows<vectors, size, fetches_ahead>(p, row, ahead);
}

template <int vectors, bool fetches_ahead>
void run_row_product(const RowProduct& p) {
  constexpr int size = tile_pixels(vectors);
  const std::int64_t filters = p.taps * p.filter_step;
  FiltersAhead ahead = {p.packed + filters, p.packed + 2 * filters};
  std::int64_t row = 0;
  for (; row + size <= p.rows; row += size) multiply_rows<vectors, size, fetches_ahead>(p, row, ahead);
  if (row < p.rows) multiply_last_rows<vectors, size - 1, fetches_ahead>(p, row, ahead);
}

using RunRowProduct = void (*)(const RowProduct&);

template <bool fetches_ahead>
WEFT_ALWAYS_INLINE RunRowProduct row_product_function(std::int64_t vectors) {
#if defined(WEFT_ISA_avx512)
  constexpr RunRowProduct functions[] = {run_row_product<1, fetches_ahead>, run_row_product<2, fetches_ahead>,
                                         run_row_product<3, fetches_ahead>, run_row_product<4, fetches_ahead>};
#else
  constexpr RunRowProduct functions[] = {run_row_product<1, fetches_ahead>, run_row_product<2, fetches_ahead>};
#endif
  return functions[vectors - 1];
}

WEFT_ALWAYS_INLINE RunRowProduct row_product_function(std::int64_t vectors, bool fetches_ahead) {
  return fetches_ahead ? row_product_function<true>(vectors) : row_product_function<false>(vectors);
}

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
