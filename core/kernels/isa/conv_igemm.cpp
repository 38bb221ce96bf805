// Implicit matrix product for convolution and its input gradient (docs/kernels.md tells the whole story).
//
//   out [pixels x out_c] = sum over taps of  shifted source [pixels x source_c] * W_tap [source_c x out_c]
//
// Nothing shifted is ever stored: a tile of pixels reads the source through one pointer a pixel, which at the image's
// border points to a row of zeros (narrow tiles know which pixels are missing at a row's ends). Order of work:
//   1. (pack_taps) pack W into panels of up to 64 channels: [panel][chunk of source channels][tap][k][panel's
//   channels];
//      the weights of one panel and chunk stay in L2 while tiles stream past them
//   2. tasks = blocks of pixels x panels; in each, for every chunk, for every tile of pixels: run_tap_tile.
//      Between chunks the partial sums rest in out.

#include "core/kernels/isa/kernels.h"
#include "core/kernels/isa/limits.h"
#include "core/kernels/isa/narrow_tile.h"
#include "core/kernels/isa/panel.h"
#include "core/kernels/isa/tap_order.h"
#include "core/kernels/isa/tap_tile.h"
#include "core/kernels/scratch.h"
#include "core/parallel.h"

namespace weft::kernels::WEFT_ISA {
namespace {

constexpr std::int64_t chunk_floats = 40 * 1024;      // 160 KB of packed weights
constexpr std::int64_t task_multiply_adds = 1 << 22;  // worth waking a thread for, small enough to share out
constexpr std::int64_t max_task_pixels = 1024;        // their source channels of one chunk stay in L2

/// How the work is cut; from shapes alone.
struct Plan {
  bool is_narrow;  // see narrow_tile.h; then there is one panel and one chunk
  std::int64_t panels, chunks;
  std::int64_t pixels, block_pixels, blocks;
};

Plan make_plan(const TapGrid& g) {
  Plan plan;
  plan.is_narrow = 2 * g.out_c * ceil_div(g.source_c, lanes) <= g.source_c;
  plan.panels = panels_of(g.out_c, max_tile_vectors);
  const std::int64_t panel_columns = lanes * panel_of(g.out_c, max_tile_vectors, 0).vectors;
  const std::int64_t k = max64(1, g.source_c * g.tap_count);
  plan.chunks = plan.is_narrow ? 1 : min64(ceil_div(k * panel_columns, chunk_floats), g.source_c);
  plan.pixels = g.images * g.grid_h * g.grid_w;
  plan.block_pixels = min64(max_task_pixels, max64(task_multiply_adds / (k * panel_columns), 192));
  plan.blocks = ceil_div(plan.pixels, plan.block_pixels);
  return plan;
}

/// Where a panel's chunk lies in the packed weights.
std::int64_t packed_at(const TapGrid& g, const Panel& panel, std::int64_t k0) {
  return (panel.column * g.source_c + k0 * panel.vectors * lanes) * g.tap_count;
}

void pack_chunk(const TapGrid& g, const float* w, const Panel& panel, const Part& chunk, float* packed) {
  const std::int64_t width = panel.vectors * lanes, row_step = g.weight_step_n;
  for (std::int64_t v = 0; v < panel.vectors; ++v) {
    const std::int64_t column = panel.column + v * lanes, columns = min64(lanes, g.out_c - column);
    for (std::int64_t k = 0; k < chunk.size; ++k) {
      const float* from = w + column * row_step + (chunk.begin + k) * g.weight_step_k;
      for (std::int64_t tap = 0; tap < g.tap_count; ++tap) {
        float* to = packed + (tap * chunk.size + k) * width + v * lanes;
        const float* tap_from = from + g.taps[tap].weight;
        for (std::int64_t n = 0; n < columns; ++n) to[n] = tap_from[n * row_step];
        for (std::int64_t n = columns; n < lanes; ++n) to[n] = 0;
      }
    }
  }
}

void pack_narrow(const TapGrid& g, const float* w, float* packed) {
  const std::int64_t padded = ceil_div(g.source_c, lanes) * lanes;
  for (std::int64_t tap = 0; tap < g.tap_count; ++tap) {
    for (std::int64_t o = 0; o < g.out_c; ++o, packed += padded) {
      const float* from = w + g.taps[tap].weight + o * g.weight_step_n;
      for (std::int64_t k = 0; k < g.source_c; ++k) packed[k] = from[k * g.weight_step_k];
      for (std::int64_t k = g.source_c; k < padded; ++k) packed[k] = 0;
    }
  }
}

/// Where a tile's addresses are kept.
struct Tables {
  const float** pixels;      // [tap_count * tile's pixels]
  std::int64_t* shifts;      // [tap_count], each tap's distance from the first
  std::int64_t* row_shifts;  // the same of each group of joined taps
  std::int64_t* no_shifts;   // [tap_count] zeros
  std::int64_t* out_at;      // [tile's pixels]

  static std::int64_t scratch_floats(const TapGrid& g, std::int64_t size) {
    return 2 * (g.tap_count * (size + 3) + size);  // pointers and indices are as large as two floats
  }
  Tables(const TapGrid& g, std::int64_t size, float* scratch)
      : pixels(reinterpret_cast<const float**>(scratch)),
        shifts(reinterpret_cast<std::int64_t*>(pixels + g.tap_count * size)),
        row_shifts(shifts + g.tap_count),
        no_shifts(row_shifts + g.tap_count),
        out_at(no_shifts + g.tap_count) {}
};

/// Where the grid's pixels are read and written.
///
/// Taps that lie side by side read what lies side by side, so where all source channels are summed at once, three taps
/// of three channels are one of nine: the inner loop of a picture's first convolution is that much longer.
class Addresses {
 public:
  Addresses(const TapGrid& g, const Plan& plan, const float* source, const float* zeros)
      : g_(g),
        source_(source),
        zeros_(zeros),
        joined_(plan.chunks == 1 && !plan.is_narrow ? taps_side_by_side(g) : 1),
        group_(plan.is_narrow && g.step_w == 1 && are_side_by_side(g, 3) ? 3 : 1) {
    row_low_ = row_high_ = g.tap_count > 0 ? g.taps[0].row : 0;
    col_low_ = col_high_ = g.tap_count > 0 ? g.taps[0].col : 0;
    for (std::int64_t tap = 1; tap < g.tap_count; ++tap) {
      row_low_ = min64(row_low_, g.taps[tap].row), row_high_ = max64(row_high_, g.taps[tap].row);
      col_low_ = min64(col_low_, g.taps[tap].col), col_high_ = max64(col_high_, g.taps[tap].col);
    }
  }

  struct Place {
    std::int64_t image, i, j;
  };
  Place place(std::int64_t pixel) const {
    const std::int64_t row = pixel / g_.grid_w;
    return {row / g_.grid_h, row % g_.grid_h, pixel % g_.grid_w};
  }

  void fill_shifts(const Tables& tables) const {
    for (std::int64_t tap = 0; tap < g_.tap_count; ++tap) {
      tables.shifts[tap] = shift(tap), tables.no_shifts[tap] = 0;
      tables.row_shifts[tap / joined_] = shift(tap / joined_ * joined_);
    }
  }

  /// Fills in the addresses of t's pixels, from `place` on, and `channels` of the source, and moves `place` behind
  /// them. Those of a tile of `size` pixels that don't exist repeat the last one.
  void fill(Place& place, std::int64_t size, std::int64_t channels, const Tables& tables, TapTile& t) const {
    t.pixels = tables.pixels;
    t.taps = g_.tap_count;
    t.channels = channels;
    t.group = group_;
    // Of a narrow tile, the pixels next to the image may be missing.
    const std::int64_t margin = group_ > 1 && t.count == size && col_high_ - col_low_ < group_ ? 1 : 0;
    t.are_neighbours = false;
    if (is_inside(place.i, place.j, t.count, margin)) {
      const float* pixel =
          source_ + at(place.image, place.i * g_.step_h + g_.taps[0].row, place.j * g_.step_w + g_.taps[0].col);
      std::int64_t out = out_index(place.image, place.i, place.j);
      t.pixel_step = 0;
      t.offsets = tables.row_shifts;
      t.taps /= joined_, t.channels *= joined_;
      t.are_neighbours = group_ > 1 && t.count == size;
      t.is_outside_left = place.j + col_low_ < 0, t.is_outside_right = place.j + t.count - 1 + col_high_ >= g_.source_w;
      const std::int64_t step = g_.step_w * g_.source_c, out_step = g_.out_step_w * g_.out_c;
      if (t.are_neighbours && out_step == 1) {  // all that a narrow tile asks for then
        tables.pixels[0] = pixel;
        tables.out_at[0] = out, tables.out_at[size - 1] = out + size - 1;
      } else {
        for (std::int64_t m = 0; m < size; ++m) {
          tables.pixels[m] = pixel;
          tables.out_at[m] = out;
          if (m + 1 < t.count) pixel += step, out += out_step;
        }
      }
      advance(place, t.count);
      return;
    }
    t.pixel_step = size;
    t.offsets = tables.no_shifts;
    for (std::int64_t m = 0; m < size; ++m) {
      tables.out_at[m] = out_index(place.image, place.i, place.j);
      fill_border_pixel(place, size, tables.shifts, tables.pixels + m);
      if (m + 1 < t.count) advance(place, 1);
    }
    advance(place, 1);
  }

 private:
  /// By `count` pixels, which end in the same row or at its end.
  void advance(Place& place, std::int64_t count) const {
    place.j += count;
    if (place.j < g_.grid_w) return;
    place.j = 0;
    if (++place.i < g_.grid_h) return;
    place.i = 0;
    ++place.image;
  }

  /// The distance of a tap's source pixel from the first tap's.
  std::int64_t shift(std::int64_t tap) const {
    return ((g_.taps[tap].row - g_.taps[0].row) * g_.source_w + g_.taps[tap].col - g_.taps[0].col) * g_.source_c;
  }

  /// True where these pixels are neighbours in one row and no tap leaves the image, or by `margin` pixels sideways.
  bool is_inside(std::int64_t i, std::int64_t j, std::int64_t count, std::int64_t margin) const {
    return g_.tap_count > 0 && j + count <= g_.grid_w && i * g_.step_h + row_low_ >= 0 &&
           i * g_.step_h + row_high_ < g_.source_h && j * g_.step_w + col_low_ >= -margin &&
           (j + count - 1) * g_.step_w + col_high_ < g_.source_w + margin;
  }

  std::int64_t at(std::int64_t image, std::int64_t row, std::int64_t col) const {
    return ((image * g_.source_h + row) * g_.source_w + col) * g_.source_c;
  }

  std::int64_t out_index(std::int64_t image, std::int64_t i, std::int64_t j) const {
    return ((image * g_.out_h + g_.out_row + i * g_.out_step_h) * g_.out_w + g_.out_col + j * g_.out_step_w) * g_.out_c;
  }

  /// What each tap of one pixel reads, `size` pointers apart.
  void fill_border_pixel(const Place& place, std::int64_t size, const std::int64_t* shifts, const float** table) const {
    if (g_.tap_count == 0) return;
    const std::int64_t i = place.i * g_.step_h, j = place.j * g_.step_w;
    const std::int64_t first = at(place.image, i + g_.taps[0].row, j + g_.taps[0].col);
    for (std::int64_t tap = 0; tap < g_.tap_count; ++tap, table += size) {
      const std::int64_t row = i + g_.taps[tap].row, col = j + g_.taps[tap].col;
      const bool is_in = row >= 0 && row < g_.source_h && col >= 0 && col < g_.source_w;
      *table = is_in ? source_ + (first + shifts[tap]) : zeros_;
    }
  }

  const TapGrid& g_;
  const float* source_;
  const float* zeros_;
  const std::int64_t joined_;  // taps in a joined one
  const std::int64_t group_;   // taps in a narrow tile's group, 1 or 3
  std::int64_t row_low_, row_high_, col_low_, col_high_;
};

/// One block of pixels for one panel.
void run_block(const TapGrid& g, const Plan& plan, const Panel& panel, const Part& block, const Addresses& addresses,
               const ConvEpilogue<float>& epilogue, const float* packed, const StoreSums& sums, float* out) {
  const std::int64_t size = plan.is_narrow ? narrow_tile_pixels : tile_pixels(static_cast<int>(panel.vectors));
  const RunTapTile run = plan.is_narrow ? run_narrow_tile : tap_tile_function(panel.vectors);
  const Tables tables(g, size, thread_scratch(Tables::scratch_floats(g, size)));
  addresses.fill_shifts(tables);
  float bias[max_tile_vectors * lanes] = {};
  TapTile t;
  // A single tap meets each pixel once, so nothing but this has brought it near.
  t.prefetch = g.tap_count == 1 ? size * g.step_w * g.source_c : 0;
  t.columns = min64(panel.vectors * lanes, g.out_c - panel.column);
  t.out_at = tables.out_at;
  t.out = out + panel.column;
  t.residual = epilogue.residual != nullptr ? epilogue.residual + panel.column : nullptr;
  t.bias = nullptr;
  if (epilogue.bias != nullptr) {
    for (std::int64_t n = 0; n < t.columns; ++n) bias[n] = epilogue.bias[panel.column + n];
    t.bias = bias;
  }
  t.low = epilogue.clamp.lower;
  t.high = epilogue.clamp.upper;
  // Sums that later chunks add to had better stay near, and lines that are read first are. A single tap makes few
  // products for each line.
  const std::int64_t count = g.images * g.out_h * g.out_w * g.out_c;
  t.past_caches = plan.chunks == 1 && epilogue.residual != out &&
                  belongs_past_caches(out, count, g.out_c, g.tap_count == 1 ? larger_than_l2 : larger_than_caches);

  for (std::int64_t c = 0; c < plan.chunks; ++c) {
    const Part chunk = part_of(g.source_c, plan.chunks, c);
    t.k0 = chunk.begin;
    t.packed = packed + packed_at(g, panel, chunk.begin);
    t.is_first = c == 0;
    t.is_last = c + 1 == plan.chunks;
    t.sums = t.is_last ? sums : StoreSums{};
    Addresses::Place place = addresses.place(block.begin);
    for (std::int64_t pixel = 0; pixel < block.size; pixel += size) {
      t.count = min64(size, block.size - pixel);
      addresses.fill(place, size, chunk.size, tables, t);
      run(t);
      t.sums.is_first = false;
    }
  }
  if (t.past_caches) stream_fence();
}

}  // namespace

void pack_taps(const TapGrid& g, const float* w, float* packed) {
  const Plan plan = make_plan(g);
  parallel_for(plan.panels * plan.chunks, [&](std::int64_t task) {
    if (plan.is_narrow) return pack_narrow(g, w, packed);
    const Panel panel = panel_of(g.out_c, max_tile_vectors, task / plan.chunks);
    const Part chunk = part_of(g.source_c, plan.chunks, task % plan.chunks);
    pack_chunk(g, w, panel, chunk, packed + packed_at(g, panel, chunk.begin));
  });
}

void conv_taps(const TapGrid& g, const float* source, const float* packed, const ConvEpilogue<float>& epilogue,
               const float* zeros, float* out) {
  const Plan plan = make_plan(g);
  if (plan.pixels == 0) return;
  const Addresses addresses(g, plan, source, zeros);
  // Few channels aren't worth a second kind of end; a pass over them is short.
  const PartSums sums = begin_sums(plan.is_narrow ? nullptr : epilogue.sums, plan.blocks);
  parallel_for(plan.panels * plan.blocks, [&](std::int64_t task) {
    const std::int64_t index = task / plan.panels;
    const Part block = part_of(plan.pixels, plan.blocks, index);
    const Panel panel = panel_of(g.out_c, max_tile_vectors, task % plan.panels);
    if (sums.pixels != nullptr && panel.column == 0) sums.pixels[index] = block.size;
    run_block(g, plan, panel, block, addresses, epilogue, packed, sums_of_part(sums, index, panel.column, true), out);
  });
}

}  // namespace weft::kernels::WEFT_ISA
