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

/// The next product's filters. They are fetched evenly over this product's steps: a burst of lines would wait, each for
/// those before it, and the product's own loads behind them. Each step fetches one line; with wide panels it fetches
/// two, one in each half of the filters. An AVX-512 panel has four lines for each input channel, of which three
/// register tiles with one line a step would leave a quarter unfetched.
template <int vectors>
struct FiltersAhead {
  static constexpr bool are_two = vectors * lanes > 2 * cache_line_floats;

  const float* line;
  std::int64_t half, step;

  /// For a product of `steps` steps.
  FiltersAhead(const RowProduct& p, std::int64_t steps)
      : line(p.packed + p.taps * p.filter_step),
        half(p.taps * p.filter_step / 2),
        step(min64(ceil_div(are_two ? half : 2 * half, steps), cache_line_floats)) {}

  WEFT_ALWAYS_INLINE void fetch() {
    __builtin_prefetch(line, 0, 2);
    if constexpr (are_two) __builtin_prefetch(line + half, 0, 2);
    line += step;
  }
};

/// Rows [row, row + size).
template <int vectors, int size, bool fetches_ahead>
WEFT_ALWAYS_INLINE void multiply_rows(const RowProduct& p, std::int64_t row, FiltersAhead<vectors>& ahead) {
  FiltersAhead<vectors> fetching = ahead;  // in registers
  Vec acc[size][vectors] = {};
  for (std::int64_t tap = 0; tap < p.taps; ++tap) {
    const float* packed = p.packed + tap * p.filter_step;
    const float* a[size];
    WEFT_UNROLL
    for (int m = 0; m < size; ++m) a[m] = p.a + (row + m) * p.step + p.offsets[tap];
    for (std::int64_t k = 0; k < p.channels; ++k, packed += vectors * lanes) {
      if constexpr (fetches_ahead) fetching.fetch();
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
  ahead.line = fetching.line;
  WEFT_UNROLL
  for (int m = 0; m < size; ++m) {
    WEFT_UNROLL
    for (int v = 0; v < vectors; ++v) store(p.out + ((row + m) * vectors + v) * lanes, acc[m][v]);
  }
}

/// Rows [row, end), fewer than a whole tile has.
template <int vectors, int size, bool fetches_ahead>
__attribute__((noinline)) void multiply_last_rows(const RowProduct& p, std::int64_t row, std::int64_t end,
                                                  FiltersAhead<vectors>& ahead) {
  if constexpr (size > 1) {
    if (end - row < size) return multiply_last_rows<vectors, size - 1, fetches_ahead>(p, row, end, ahead);
  }
  multiply_rows<vectors, size, fetches_ahead>(p, row, ahead);
}

template <int vectors, bool fetches_ahead>
void run_row_product(const RowProduct& p) {
  constexpr int size = tile_pixels(vectors);
  const std::int64_t rest = p.rows % size;
  FiltersAhead<vectors> ahead(p, ceil_div(p.rows, size) * p.taps * p.channels);
  // A rest with too few sums to keep the multipliers busy shares the rows of a whole tile.
  const bool is_halved = rest > 0 && rest * vectors < sums_under_way && p.rows > size;
  static_assert(size + (sums_under_way - 1) / vectors <= 2 * (size - 1), "halves are less than a tile");
  const std::int64_t whole = p.rows - rest - (is_halved ? size : 0);
  std::int64_t row = 0;
  for (; row < whole; row += size) multiply_rows<vectors, size, fetches_ahead>(p, row, ahead);
  if (is_halved) {
    const std::int64_t middle = row + (p.rows - row) / 2;
    multiply_last_rows<vectors, size - 1, fetches_ahead>(p, row, middle, ahead);
    row = middle;
  }
  if (row < p.rows) multiply_last_rows<vectors, size - 1, fetches_ahead>(p, row, p.rows, ahead);
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
