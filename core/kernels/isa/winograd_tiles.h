#pragma once
// The transforms of minimal filtering in two dimensions: along rows, then along columns, a vector of channels at a
// time.

#include "core/kernels/isa/limits.h"
#include "core/kernels/isa/winograd_forms.h"

namespace weft::kernels::WEFT_ISA {
namespace {

/// A tile's place: its image and its indices there.
struct TilePlace {
  std::int64_t image, row, col;
};

struct TileGrid {
  std::int64_t images, rows, cols;

  WEFT_ALWAYS_INLINE std::int64_t count() const { return images * rows * cols; }
  WEFT_ALWAYS_INLINE TilePlace place(std::int64_t index) const {
    const std::int64_t line = index / cols;
    return {line / rows, line % rows, index % cols};
  }
  /// The place of the next tile.
  WEFT_ALWAYS_INLINE TilePlace after(TilePlace place) const {
    if (++place.col == cols) place.col = 0, ++place.row;
    if (place.row == rows) place.row = 0, ++place.image;
    return place;
  }
};

/// An image that tiles are cut from.
struct Picture {
  const float* data;
  std::int64_t h, w, c;
  std::int64_t first_row = 0;  // where the first tiles' would be without padding

  WEFT_ALWAYS_INLINE const float* at(std::int64_t image, std::int64_t row, std::int64_t col) const {
    return data + ((image * h + row) * w + col) * c;
  }
};

/// Applies a map of from_rows to to_rows numbers along the first axis, then one of from_cols to to_cols along the
/// second: store_at(i, j, result of load_at(i, j)).
template <int from_rows, int to_rows, int from_cols, int to_cols, class Load, class MapRows, class MapCols, class Store>
WEFT_ALWAYS_INLINE void map_axes(const Load& load_at, const MapRows& map_rows, const MapCols& map_cols,
                                 const Store& store_at) {
  Vec columns[to_rows][from_cols];
  WEFT_UNROLL
  for (int j = 0; j < from_cols; ++j) {
    Vec in[from_rows], out[to_rows];
    WEFT_UNROLL
    for (int i = 0; i < from_rows; ++i) in[i] = kept_in_register(load_at(i, j));
    map_rows(in, out);
    WEFT_UNROLL
    for (int i = 0; i < to_rows; ++i) columns[i][j] = out[i];
  }
  WEFT_UNROLL
  for (int i = 0; i < to_rows; ++i) {
    Vec in[from_cols], out[to_cols];
    WEFT_UNROLL
    for (int j = 0; j < from_cols; ++j) in[j] = kept_in_register(columns[i][j]);
    map_cols(in, out);
    WEFT_UNROLL
    for (int j = 0; j < to_cols; ++j) store_at(i, j, out[j]);
  }
}

/// The same map along both axes.
template <int from, int to, class Load, class Map, class Store>
WEFT_ALWAYS_INLINE void map_both_axes(const Load& load_at, const Map& map, const Store& store_at) {
  map_axes<from, to, from, to>(load_at, map, map, store_at);
}

/// Fetches what a patch of size x size pixels, moved right by `step`, will add to the one at `corner`: channels of one
/// cache line. Patches walk along a row, and the processor does not foresee what the lines of several rows at once will
/// need. They come as far as L2: with all its channels, a patch and what becomes of it are more than L1 holds.
template <int size, int step>
WEFT_ALWAYS_INLINE void fetch_next_patch(const Picture& p, const float* corner) {
  WEFT_UNROLL
  for (int i = 0; i < size; ++i) {
    WEFT_UNROLL
    for (int j = size; j < size + step; ++j) __builtin_prefetch(corner + (i * p.w + j) * p.c, 0, 2);
  }
}

/// Pixels as they lie in memory.
struct AsStored {
  template <class Part>
  WEFT_ALWAYS_INLINE auto at(const Part&, std::int64_t) const {
    return [](Vec x) { return x; };
  }
};

/// act(x factor + offset).
struct Normalised {
  const WinogradNorm& norm;

  template <class Part>
  WEFT_ALWAYS_INLINE auto at(const Part& part, std::int64_t k) const {
    return [factor = part.load_from(norm.factor + k), offset = part.load_from(norm.offset + k),
            limits = Limits(norm.clamp)](Vec x) { return clamp(x * factor + offset, limits.low, limits.high); };
  }
};

/// map_both_axes for made(x) of the from x from pixels of an image from (row, col) on, channels [k, ...) of `part`;
/// they are zero outside the image. Patches inside it, nearly all, are read without asking. The next one lies `step`
/// further right.
template <int from, int to, int step, class Made, class Part, class Map, class Store>
WEFT_ALWAYS_INLINE void map_patch(const Picture& p, const Made& made, std::int64_t image, std::int64_t row,
                                  std::int64_t col, const Part& part, std::int64_t k, const Map& map,
                                  const Store& store_at) {
  if (row >= 0 && col >= 0 && row + from <= p.h && col + from <= p.w) {
    const float* corner = p.at(image, row, col) + k;
    if (k % cache_line_floats == 0) fetch_next_patch<from, step>(p, corner);
    const auto load_at = [&](int i, int j) { return made(part.load_from(corner + (i * p.w + j) * p.c)); };
    map_both_axes<from, to>(load_at, map, store_at);
  } else {
    const auto load_at = [&](int i, int j) {
      const bool is_in = row + i >= 0 && row + i < p.h && col + j >= 0 && col + j < p.w;
      return is_in ? made(part.load_from(p.at(image, row + i, col + j) + k)) : Vec{};
    };
    map_both_axes<from, to>(load_at, map, store_at);
  }
}

/// Matrices [tiles x channels], one for each value (or sum) of a form. Rows are padded to whole vectors, and a cache
/// line keeps matrices whose size is a power of two from falling into the same cache sets.
struct TileMatrices {
  float* data;
  std::int64_t width;  // floats in a row, a multiple of lanes
  std::int64_t step;   // floats from one matrix to the next

  WEFT_ALWAYS_INLINE static std::int64_t step_for(std::int64_t tiles, std::int64_t width) { return tiles * width + 16; }
  WEFT_ALWAYS_INLINE float* row(std::int64_t tile) const { return data + tile * width; }
};

/// V = B' d B of one tile and the picture's first `channels` channels, into row `tile` of the matrices; d is what
/// `made` makes of the picture. Not inlined, so that the compiler does not mix up stored and normalised pixels'
/// registers.
template <class Form, class Made>
__attribute__((noinline)) void transform_made(const Picture& p, const Made& made, const TilePlace& place,
                                              std::int64_t padding, std::int64_t channels, std::int64_t tile,
                                              const TileMatrices& values) {
  const std::int64_t row = p.first_row + place.row * Form::step - padding, col = place.col * Form::step - padding;
  for_each_vector(channels, [&](auto part, std::int64_t k) {
    float* to = values.row(tile) + k;
    const auto map = [](const Vec(&in)[Form::in], Vec(&out)[Form::values]) { Form::input(in, out); };
    map_patch<Form::in, Form::values, Form::step>(
        p, made.at(part, k), place.image, row, col, part, k, map,
        [&](int i, int j, Vec v) { store(to + (i * Form::values + j) * values.step, v); });
  });
}

/// The same for a picture that `norm` is to normalise, whose arrays begin with the picture's first channel.
template <class Form>
WEFT_ALWAYS_INLINE void transform_input(const Picture& p, const WinogradNorm& norm, const TilePlace& place,
                                        std::int64_t padding, std::int64_t channels, std::int64_t tile,
                                        const TileMatrices& values) {
  if (norm.factor == nullptr) {
    transform_made<Form>(p, AsStored{}, place, padding, channels, tile, values);
  } else {
    transform_made<Form>(p, Normalised{norm}, place, padding, channels, tile, values);
  }
}

/// A dY A' of one tile and an image's first `channels` channels, the gradient of the sums.
template <class Form>
void transform_output_gradient(const Picture& p, const TilePlace& place, std::int64_t channels, std::int64_t tile,
                               const TileMatrices& sums) {
  for_each_vector(channels, [&](auto part, std::int64_t k) {
    float* to = sums.row(tile) + k;
    const auto map = [](const Vec(&in)[Form::out], Vec(&out)[Form::sums]) { Form::output_transposed(in, out); };
    map_patch<Form::out, Form::sums, Form::out>(
        p, AsStored{}.at(part, k), place.image, place.row * Form::out, place.col * Form::out, part, k, map,
        [&](int i, int j, Vec v) { store(to + (i * Form::sums + j) * sums.step, v); });
  });
}

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
