#pragma once
// The end of minimal filtering: sums transformed back into outputs, Y = A' M A, and stored.

#include "core/kernels/isa/limits.h"
#include "core/kernels/isa/winograd_tiles.h"
#include "core/kernels/isa/store_sums.h"

namespace weft::kernels::WEFT_ISA {
namespace {

/// The image that outputs are stored to, and what becomes of them before.
struct Outputs {
  float* data;
  std::int64_t h, w, c;
  const float* earlier;  // what the sums are added to, or null
  const float* bias;     // or null
  Limits limits;
  bool past_caches;  // see belongs_past_caches
};

/// Floats in an image that is stored so: 8 MB, less than elsewhere, as a tile's rows are pieces of many lines. Where
/// they last belonged to a core that shares no cache with this one, they come slowly.
constexpr std::int64_t larger_than_near_caches = 2 << 20;

/// True where vectors are cache lines and the image, not read before, had better be stored past the caches. Vectors of
/// less than a line are stored pixels apart.
WEFT_ALWAYS_INLINE bool fills_lines_past_caches(const float* image, std::int64_t count, std::int64_t channels) {
  return lanes == cache_line_floats && belongs_past_caches(image, count, channels, larger_than_near_caches);
}

/// The lines that the outputs of tiles from `first` on, channels [column, column + columns), are added to and stored
/// to, and those of x and y, other images of that shape that are read then, or null. They are fetched while products
/// are made: whole tiles are pieces of several rows, which the processor does not foresee. Walks from row to row of the
/// tiles, since finding a row by its number would take divisions, as long as some products.
template <class Rows, class Columns>
class OutputLines {
 public:
  WEFT_ALWAYS_INLINE OutputLines(const Outputs& outputs, const TileGrid& tiles, std::int64_t first, std::int64_t column,
                                 std::int64_t columns, const float* x, const float* y)
      : outputs_(outputs), tiles_(tiles), column_(column), columns_(columns), place_(tiles.place(first)) {
    const float* const images[] = {outputs.past_caches ? nullptr : outputs.data,
                                   outputs.earlier != outputs.data ? outputs.earlier : nullptr, x, y};
    for (const float* image : images) {
      if (image != nullptr) images_[image_count_++] = image;
    }
    find_tile();
  }

  std::int64_t images() const { return image_count_; }

  /// Fetches the next of them: in `parts` calls, those of `count` tiles. Inlined because gcc removes calls of functions
  /// that do nothing but fetch.
  WEFT_ALWAYS_INLINE void fetch(std::int64_t count, std::int64_t parts) {
    if (image_count_ == 0) return;
    for (owed_ += count * Rows::out; owed_ >= parts; owed_ -= parts) fetch_row();
  }

 private:
  WEFT_ALWAYS_INLINE void find_tile() {
    at_ = ((place_.image * outputs_.h + place_.row * Rows::out) * outputs_.w + place_.col * Columns::out) * outputs_.c +
          column_;
    rows_left_ = Rows::out;
  }

  WEFT_ALWAYS_INLINE void fetch_row() {
    for (std::int64_t i = 0; i < image_count_; ++i) {
      const float* pixel = images_[i] + at_;
      for (int j = 0; j < Columns::out; ++j, pixel += outputs_.c) {
        for (std::int64_t c = 0; c < columns_; c += cache_line_floats) __builtin_prefetch(pixel + c, 0, 2);
      }
    }
    at_ += outputs_.w * outputs_.c;
    if (--rows_left_ > 0) return;
    place_ = tiles_.after(place_);
    find_tile();
  }

  const Outputs& outputs_;
  const TileGrid& tiles_;
  const std::int64_t column_, columns_;
  const float* images_[4];
  std::int64_t image_count_ = 0;
  TilePlace place_;              // of the tile whose row comes next
  std::int64_t at_, rows_left_;  // that row, and how many the tile still has
  std::int64_t owed_ = 0;        // in parts of a row
};

/// Fetches nothing.
struct NoLines {
  WEFT_ALWAYS_INLINE static std::int64_t images() { return 0; }
  WEFT_ALWAYS_INLINE static void fetch(std::int64_t, std::int64_t) {}
};

/// Which sums to take; `as_asked` asks at run time.
enum class Sums { none, statistics, of_gradient, as_asked };

/// The sums of one tile's outputs at one vector of channels.
template <Sums wanted, class Part>
class TileSums {
 public:
  WEFT_ALWAYS_INLINE TileSums(const StoreSums& sums, const Part& part, std::int64_t channel)
      : sums_(sums), part_(part), channel_(channel), statistics_(sums, channel, Vec{}), gradient_(sums, channel) {}

  /// Of the tile's output (i, j), which goes to the image's element `to`. Returns what to store there.
  WEFT_ALWAYS_INLINE Vec add(int i, int j, Vec y, std::int64_t to) {
    if (are_of_gradient()) {
      return gradient_.add(y, part_.load_from(sums_.x + to), [&] { return part_.load_from(sums_.y + to); });
    }
    if (are_statistics()) {
      if (i == 0 && j == 0 && sums_.is_first) statistics_.centre = y;
      statistics_.add(y);
    }
    return y;
  }

  WEFT_ALWAYS_INLINE void finish() const {
    if (are_of_gradient()) {
      gradient_.add_to(sums_, channel_);
    } else if (are_statistics()) {
      statistics_.add_to(sums_, channel_);
    }
  }

 private:
  WEFT_ALWAYS_INLINE bool are_of_gradient() const {
    return wanted == Sums::of_gradient || (wanted == Sums::as_asked && sums_.are_of_gradient());
  }
  WEFT_ALWAYS_INLINE bool are_statistics() const {
    return wanted == Sums::statistics || (wanted == Sums::as_asked && sums_.are_wanted() && !sums_.are_of_gradient());
  }

  const StoreSums sums_;
  const Part part_;
  const std::int64_t channel_;
  VectorStatistics statistics_;
  VectorGradientSums gradient_;
};

/// What one source makes of a tile, Rows::out x Columns::out pixels, kept until another's is added to it. A pixel has
/// `width` floats.
struct KeptTile {
  float* data;
  std::int64_t width;

  WEFT_ALWAYS_INLINE KeptTile from_channel(std::int64_t c) const { return {data + c, width}; }
  WEFT_ALWAYS_INLINE void add_to(Vec& y, std::int64_t pixel) const { y += load(data + pixel * width); }
};

struct NothingKept {
  WEFT_ALWAYS_INLINE static NothingKept from_channel(std::int64_t) { return {}; }
  WEFT_ALWAYS_INLINE static void add_to(Vec&, std::int64_t) {}
};

/// Y = A' M A of one tile and one vector of channels.
template <class Rows, class Columns, class Store>
WEFT_ALWAYS_INLINE void map_sums(const float* from, std::int64_t from_step, const Store& store_at) {
  const auto load_at = [&](int i, int j) { return load(from + (i * Columns::sums + j) * from_step); };
  const auto map_rows = [](const Vec(&m)[Rows::sums], Vec(&y)[Rows::out]) { Rows::output(m, y); };
  const auto map_cols = [](const Vec(&m)[Columns::sums], Vec(&y)[Columns::out]) { Columns::output(m, y); };
  map_axes<Rows::sums, Rows::out, Columns::sums, Columns::out>(load_at, map_rows, map_cols, store_at);
}

/// The same, kept.
template <class Rows, class Columns>
__attribute__((noinline)) void keep_outputs(const float* from, std::int64_t from_step, float* to, std::int64_t width) {
  map_sums<Rows, Columns>(from, from_step, [&](int i, int j, Vec y) { store(to + (i * Columns::out + j) * width, y); });
}

/// Y = A' M A of one tile and one vector of channels, plus what is kept, stored. Inlined into a loop over tiles, it
/// would have the compiler keep and increment an address of each matrix, in memory: 36 additions for each tile. A copy
/// of `outputs` because a store might change it, for all that the compiler knows.
template <class Rows, class Columns, bool is_whole, Sums wanted, class Kept, class Part>
__attribute__((noinline)) void store_outputs(const Outputs& outputs, const TilePlace& place, const float* from,
                                             std::int64_t from_step, const Kept& kept, const Part& part,
                                             std::int64_t channel, const StoreSums& sums) {
  const Outputs o = outputs;
  const std::int64_t row = place.row * Rows::out, col = place.col * Columns::out;
  const std::int64_t at = ((place.image * o.h + row) * o.w + col) * o.c + channel;
  const Vec bias = o.bias != nullptr ? part.load_from(o.bias + channel) : Vec{};
  TileSums<wanted, Part> of_tile(sums, part, channel);
  map_sums<Rows, Columns>(from, from_step, [&](int i, int j, Vec y) {
    if (!is_whole && (row + i >= o.h || col + j >= o.w)) return;
    const std::int64_t to = at + (i * o.w + j) * o.c;
    kept.add_to(y, i * Columns::out + j);
    if (o.earlier != nullptr) y += part.load_from(o.earlier + to);
    y = clamp(y + bias, o.limits.low, o.limits.high);
    y = of_tile.add(i, j, y, to);
    if (o.past_caches) {
      store_past_caches(o.data + to, y);
    } else {
      part.store_to(o.data + to, y);
    }
  });
  of_tile.finish();
}

/// keep_outputs for a tile whose sums are row `row` of the matrices `m`.
template <class Rows, class Columns>
void keep_tile(const TileMatrices& m, std::int64_t row, const KeptTile& kept) {
  for (std::int64_t c = 0; c < kept.width; c += lanes)
    keep_outputs<Rows, Columns>(m.row(row) + c, m.step, kept.data + c, kept.width);
}

/// store_outputs for a tile and channels [column, column + columns), whose sums are row `row` of the matrices `m`.
/// `kept` begins with channel `column` too.
template <class Rows, class Columns, class Kept>
void store_tile(const Outputs& outputs, const TilePlace& place, std::int64_t column, std::int64_t columns,
                const TileMatrices& m, std::int64_t row, const Kept& kept, const StoreSums& sums) {
  const bool is_whole = (place.row + 1) * Rows::out <= outputs.h && (place.col + 1) * Columns::out <= outputs.w;
  for_each_vector(min64(columns, outputs.c - column), [&](auto part, std::int64_t c) {
    const auto store_as = [&]<bool whole, Sums wanted>() {
      store_outputs<Rows, Columns, whole, wanted>(outputs, place, m.row(row) + c, m.step, kept.from_channel(c), part,
                                                  column + c, sums);
    };
    if (!is_whole) {
      store_as.template operator()<false, Sums::as_asked>();
    } else if (sums.are_of_gradient()) {
      store_as.template operator()<true, Sums::of_gradient>();
    } else if (sums.are_wanted()) {
      store_as.template operator()<true, Sums::statistics>();
    } else {
      store_as.template operator()<true, Sums::none>();
    }
  });
}

/// The pixels of an output that tiles [part] have.
template <class Rows, class Columns>
std::int64_t pixels_of(const Outputs& outputs, const TileGrid& tiles, const Part& part) {
  std::int64_t pixels = 0;
  for (std::int64_t tile = part.begin; tile < part.begin + part.size; ++tile) {
    const TilePlace place = tiles.place(tile);
    pixels +=
        min64(Rows::out, outputs.h - place.row * Rows::out) * min64(Columns::out, outputs.w - place.col * Columns::out);
  }
  return pixels;
}

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
