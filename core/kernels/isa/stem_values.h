#pragma once
// V = B' d B of the stem's tiles (stem_form.h): one matrix [tiles x 16] for each sum, whose columns are the values that
// meet in it, up to 2 x 2 of each of up to 4 channels:
//
//   V[a, b] [tile] [(place of i in a, place of j in b) c + channel]        value (i, j) belongs to the sum (a, b)
//
// With three channels a vector of channels would be nearly empty. Along the image's columns any floats that lie side by
// side do: a run of tiles is transformed a vector of its rows at a time, channels and pixels mixed. Along its rows a
// pixel's channels are a vector of four, of which the last is overwritten by the next one, as all that follows is
// written in ascending order.

#include "core/kernels/isa/stem_form.h"
#include "core/kernels/isa/winograd_tiles.h"

namespace weft::kernels::WEFT_ISA {
namespace {

constexpr int max_stem_channels = 4;
constexpr std::int64_t stem_value_width = 4 * max_stem_channels;

typedef float Quad __attribute__((vector_size(16)));
typedef float UnalignedQuad __attribute__((vector_size(16), aligned(4), may_alias));

/// Transforms tiles, all of one row of tiles at a time. The tile has Rows::out rows of Columns::out outputs.
template <class Rows, class Columns>
class StemTransform {
 public:
  static std::int64_t row_floats(std::int64_t tiles, std::int64_t channels) {
    return ceil_div(((tiles - 1) * Columns::step + Columns::in) * channels, cache_line_floats) * cache_line_floats +
           2 * cache_line_floats;
  }
  /// For runs of up to `tiles` tiles: rows transformed along columns, and one of zeros.
  static std::int64_t scratch_floats(std::int64_t tiles, std::int64_t channels) {
    return (Rows::values + 1) * row_floats(tiles, channels);
  }

  StemTransform(const Picture& x, const TileGrid& tiles, std::int64_t block_tiles, float* scratch)
      : x_(x), tiles_(tiles), step_(row_floats(block_tiles, x.c)), rows_(scratch) {
    zeros_ = scratch + Rows::values * step_;
    for (std::int64_t i = 0; i < step_; ++i) zeros_[i] = 0;
  }

  /// V of tiles [block]; rows of V up to a multiple of `unit` are set to zero.
  void operator()(const Part& block, std::int64_t unit, const TileMatrices& values) const {
    for (std::int64_t tile = 0; tile < block.size;) {
      const TilePlace place = tiles_.place(block.begin + tile);
      const std::int64_t count = min64(block.size - tile, tiles_.cols - place.col);
      transform_columns(place, count);
      transform_rows(tile, count, values);
      tile += count;
    }
    for (std::int64_t tile = block.size; tile % unit != 0; ++tile) {
      for (std::int64_t sum = 0; sum < Rows::sums * Columns::sums; ++sum) {
        for (std::int64_t k = 0; k < stem_value_width; ++k) values.row(tile)[sum * values.step + k] = 0;
      }
    }
  }

 private:
  /// B' d for a run of tiles.
  void transform_columns(const TilePlace& first, std::int64_t count) const {
    const std::int64_t row = first.row * Rows::step - stem_padding;
    const std::int64_t col = first.col * Columns::step - stem_padding;
    const std::int64_t cols = (count - 1) * Columns::step + Columns::in;
    const std::int64_t begin = max64(0, -col), end = min64(cols, x_.w - col);  // those inside the image
    const float* from[Rows::in];
    for (int i = 0; i < Rows::in; ++i) {
      const bool is_inside = row + i >= 0 && row + i < x_.h;
      from[i] = is_inside ? x_.at(first.image, row + i, col + begin) : zeros_;
    }
    float* const to = rows_ + begin * x_.c;
    for_each_vector((end - begin) * x_.c, [&](auto part, std::int64_t at) {
      Vec d[Rows::in], v[Rows::values];
      WEFT_UNROLL
      for (int i = 0; i < Rows::in; ++i) d[i] = part.load_from(from[i] + at);
      Rows::input(d, v);
      WEFT_UNROLL
      for (int i = 0; i < Rows::values; ++i) store(to + i * step_ + at, v[i]);
    });
    for (int i = 0; i < Rows::values; ++i) {
      float* const line = rows_ + i * step_;
      for (std::int64_t at = 0; at < begin * x_.c; ++at) line[at] = 0;
      for (std::int64_t at = end * x_.c; at < cols * x_.c; ++at) line[at] = 0;
    }
  }

  /// (B' d) B for the run, from row `tile` of V on.
  void transform_rows(std::int64_t tile, std::int64_t count, const TileMatrices& values) const {
    switch (x_.c) {
      case 1:
        return transform_rows<1>(tile, count, values);
      case 2:
        return transform_rows<2>(tile, count, values);
      case 3:
        return transform_rows<3>(tile, count, values);
      default:
        return transform_rows<4>(tile, count, values);
    }
  }

  template <int channels>
  void transform_rows(std::int64_t tile, std::int64_t count, const TileMatrices& values) const {
    for (int a = 0; a < Rows::sums; ++a) {
      const float* from = rows_ + Rows::first_filter[a] * step_;
      float* to = values.row(tile) + a * Columns::sums * values.step;
      transform_row<channels, 0>(from, count, to, values.step);
      if (filters_in<Rows>(a) == 2) transform_row<channels, 1>(from + step_, count, to, values.step);
    }
  }

  /// Values (i, all j), where i is the one at `place` in its sum.
  template <int channels, int place>
  static void transform_row(const float* from, std::int64_t count, float* to, std::int64_t sum_step) {
    for (std::int64_t tile = 0; tile < count; ++tile) {
      Quad d[Columns::in], v[Columns::values];
      WEFT_UNROLL
      for (int j = 0; j < Columns::in; ++j) d[j] = *reinterpret_cast<const UnalignedQuad*>(from + j * channels);
      Columns::input(d, v);
      WEFT_UNROLL
      for (int j = 0; j < Columns::values; ++j) {
        const int b = Columns::sum[j], k = (place * filters_in<Columns>(b) + Columns::place[j]) * channels;
        *reinterpret_cast<UnalignedQuad*>(to + b * sum_step + k) = v[j];
      }
      from += Columns::step * channels;
      to += stem_value_width;
    }
  }

  Picture x_;
  TileGrid tiles_;
  std::int64_t step_;
  float* rows_;
  float* zeros_;
};

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
