// A 1x1 convolution over images that are made as it reads them, and both its gradients (core/kernels/pointwise.h).
//
// Order of work: tasks = parts of the pixels; in each, blocks of pixels, for which
//   1. x, and backward dy, are made, unless they are stored: some tens of KB, which stay near. What they are made from
//      has been fetched while the block before was computed, a line for each step of its products
//   2. y = x w', or dx = dy w, goes tile by tile through the register tile of convolution (tap_tile.h), with one tap
//   3. dw += dy' x, tile by tile through the register tile of the weight gradient (outer_tile.h); each part has sums
//      of its own, which are added up in order at the end
//
// As in conv_weight_gradient.cpp, a is the operand of dw that is broadcast, b the one that fills vectors: of x and dy
// the choice that leaves fewer lanes empty.

#include "core/kernels/isa/kernels.h"
#include "core/kernels/isa/near_pixels.h"
#include "core/kernels/isa/outer_tile.h"
#include "core/kernels/isa/panel.h"
#include "core/kernels/isa/tap_tile.h"
#include "core/kernels/scratch.h"
#include "core/parallel.h"

namespace weft::kernels::WEFT_ISA {
namespace {

constexpr std::int64_t block_floats = 24 * 1024;  // of x and dy together: 96 KB
constexpr std::int64_t least_parts = 16, most_parts = 64;
constexpr std::int64_t all_sums_floats = 1 << 20;  // of dw, in all parts

/// How the pixels are cut; from the shape alone.
struct Plan {
  std::int64_t block_pixels, blocks, parts;
};

Plan make_plan(const PointwiseProblem& p) {
  Plan plan;
  plan.block_pixels = min64(max64(p.pixels, 1), max64(24, block_floats / (p.c_in + p.c_out) / 24 * 24));
  plan.blocks = ceil_div(p.pixels, plan.block_pixels);
  plan.parts = min64(plan.blocks, max64(least_parts, min64(most_parts, all_sums_floats / (p.c_in * p.c_out))));
  return plan;
}

/// A matrix [k, n] in panels of n: [panel][k][panel's columns], zeros after the last column.
void pack_matrix(const float* from, std::int64_t k_step, std::int64_t n_step, std::int64_t k_count,
                 std::int64_t n_count, float* to) {
  for (std::int64_t index = 0; index < panels_of(n_count, max_tile_vectors); ++index) {
    const Panel panel = panel_of(n_count, max_tile_vectors, index);
    for (std::int64_t k = 0; k < k_count; ++k) {
      for (std::int64_t n = panel.column; n < panel.column + panel.vectors * lanes; ++n)
        *to++ = n < n_count ? from[k * k_step + n * n_step] : 0;
    }
  }
}

/// Some neighbouring pixels of one part, of which `is_first` tells whether none came before.
struct Block {
  std::int64_t part, first, count;
  bool is_first;
};

/// One of the two products whose rows are pixels: out = in matrix.
struct RowProduct {
  std::int64_t k, n;    // channels of `in` and of `out`
  const float* packed;  // the matrix [k, n], by pack_matrix
  ConvEpilogue<float> epilogue;
  PartSums sums;
  bool past_caches;
  float* out;
};

/// What all tiles of a block and a panel share.
TapTile tile_of(const RowProduct& product, const Block& block, const Panel& panel, float* bias) {
  const std::int64_t at = block.first * product.n + panel.column;
  const ConvEpilogue<float>& end = product.epilogue;
  TapTile t = {};
  t.group = t.taps = 1;
  t.channels = product.k;
  t.packed = product.packed + panel.column * product.k;
  t.columns = min64(panel.vectors * lanes, product.n - panel.column);
  t.is_first = t.is_last = true;
  if (end.bias != nullptr) {
    for (std::int64_t n = 0; n < panel.vectors * lanes; ++n) bias[n] = n < t.columns ? end.bias[panel.column + n] : 0;
    t.bias = bias;
  }
  t.residual = end.residual != nullptr ? end.residual + at : nullptr;
  t.low = end.clamp.lower;
  t.high = end.clamp.upper;
  t.past_caches = product.past_caches;
  t.sums = sums_of_part(product.sums, block.part, panel.column, block.is_first);
  if (t.sums.are_of_gradient()) t.sums.x += block.first * product.n;
  if (t.sums.y != nullptr) t.sums.y += block.first * product.n;
  t.out = product.out + at;
  return t;
}

/// While the tile from `row` on is computed: what the next block is made from, and what the next tile, of `size` rows,
/// is added to and sums are taken with. The first overlap from tile to tile: a line that is asked for twice comes more
/// surely (measured).
void set_meanwhile(const RowProduct& product, const SourcePixels& next, std::int64_t row, std::int64_t rows,
                   std::int64_t size, TapTile& t) {
  for (const float* image : next.images) {
    if (image != nullptr) t.meanwhile[t.meanwhile_count++] = {image + row * product.k, product.k, 1};
  }
  if (row + size >= rows) return;
  const std::int64_t at = (row + size) * product.n, lines = ceil_div(size * product.n, cache_line_floats);
  const std::int64_t each = ceil_div(lines, product.k);
  const float* const images[] = {t.sums.x, t.sums.y, t.residual};
  for (const float* image : images) {
    if (image != nullptr) t.meanwhile[t.meanwhile_count++] = {image + at, ceil_div(lines, each), each};
  }
}

/// A block's rows of `out`, from those at `in`. Meanwhile `next`, what the next block is made from, is brought near.
void multiply_rows(const RowProduct& product, const float* in, const Block& block, const SourcePixels& next) {
  constexpr std::int64_t no_offset = 0;
  const float* pixels[max_tile_pixels];
  std::int64_t out_at[max_tile_pixels];
  float bias[max_tile_vectors * lanes];
  for (std::int64_t index = 0; index < panels_of(product.n, max_tile_vectors); ++index) {
    const Panel panel = panel_of(product.n, max_tile_vectors, index);
    const std::int64_t size = tile_pixels(static_cast<int>(panel.vectors));
    const RunTapTile run = tap_tile_function<true>(panel.vectors);
    TapTile t = tile_of(product, block, panel, bias);
    t.pixels = pixels;
    t.offsets = &no_offset;
    t.out_at = out_at;
    for (std::int64_t row = 0; row < block.count; row += size) {
      t.count = min64(size, block.count - row);
      for (std::int64_t m = 0; m < size; ++m) {
        const std::int64_t pixel = row + min64(m, t.count - 1);
        pixels[m] = in + pixel * product.k;
        out_at[m] = pixel * product.n;
      }
      t.meanwhile_count = 0;
      if (index == 0) set_meanwhile(product, next, row, block.count, size, t);
      run(t);
      t.sums.is_first = false;
    }
  }
}

/// The product that sums over pixels: sums [m, n] += a' b, as tiles of a's channels and panels of b's.
struct OuterProduct {
  bool is_swapped;  // a = dy, b = x
  std::int64_t m, n, vectors, panels, tiles;

  explicit OuterProduct(const PointwiseProblem& p)
      : is_swapped(p.c_out * ceil_div(p.c_in, lanes) < p.c_in * ceil_div(p.c_out, lanes)),
        m(is_swapped ? p.c_out : p.c_in),
        n(is_swapped ? p.c_in : p.c_out),
        vectors(ceil_div(n, lanes)),
        panels(ceil_div(vectors, max_outer_vectors)),
        tiles(ceil_div(m, max_outer_rows(ceil_div(vectors, panels)))) {}

  std::int64_t floats() const { return m * vectors * lanes; }
  Part tile(std::int64_t index) const { return part_of(m, tiles, index); }
  Part panel(std::int64_t index) const { return part_of(vectors, panels, index); }
  /// Where the sums of a tile and a panel lie: [tile][panel][rows][panel's columns].
  std::int64_t at(const Part& rows, const Part& columns) const {
    return rows.begin * vectors * lanes + columns.begin * lanes * rows.size;
  }

  /// The last vector of b's last pixel is read whole.
  void add(const float* a, const float* b, std::int64_t pixels, bool is_first, float* sums) const {
    const Strip strip = {0, 0, 0, 0, pixels};
    OuterTile t = {&strip, 1, {}, {}, 1, 1, !is_first, nullptr};
    for (std::int64_t column = 0; column < panels; ++column) {
      const Part columns = panel(column);
      t.b = {b + columns.begin * lanes, 0, 0, 0, n};
      for (std::int64_t row = 0; row < tiles; ++row) {
        const Part rows = tile(row);
        t.a = {a + rows.begin, 0, 0, 0, m};
        t.sums = sums + at(rows, columns);
        outer_tile_function(rows.size, columns.size)(t);
      }
    }
  }

  /// The sums of all parts, in order, to dw [c_out, c_in].
  void join(const float* sums, std::int64_t parts, float* dw) const {
    const std::int64_t m_step = is_swapped ? n : 1, n_step = is_swapped ? 1 : m;
    parallel_for(tiles * panels, [&](std::int64_t task) {
      const Part rows = tile(task / panels), columns = panel(task % panels);
      const std::int64_t width = columns.size * lanes;
      for (std::int64_t i = 0; i < rows.size; ++i) {
        for (std::int64_t v = 0; v < width; v += lanes) {
          const float* from = sums + at(rows, columns) + i * width + v;
          Vec total = {};
          for (std::int64_t part = 0; part < parts; ++part) total += load(from + part * floats());
          const std::int64_t column = columns.begin * lanes + v;
          for (std::int64_t lane = 0; lane < min64(lanes, n - column); ++lane)
            dw[(rows.begin + i) * m_step + (column + lane) * n_step] = total[lane];
        }
      }
    });
  }
};

std::int64_t packed_floats(const PointwiseProblem& p) {
  return max64(p.c_in * ceil_div(p.c_out, lanes), p.c_out * ceil_div(p.c_in, lanes)) * lanes;
}

/// A block's pixels, for a kernel that reads whole vectors: where the last one would run over a stored image's end, it
/// reads a copy. `room` has space for a vector more.
const float* whole_vectors(const PixelSource& source, const Block& block, float* room) {
  const float* pixels = near_pixels(source, block.first, block.count, room);
  if (source.channels % lanes == 0 || pixels == room) return pixels;
  for (std::int64_t i = 0; i < block.count * source.channels; ++i) room[i] = pixels[i];
  return room;
}

/// Calls body(block) for all blocks, those of a part in order.
template <class Body>
void for_each_block(const PointwiseProblem& p, const Plan& plan, Body&& body) {
  parallel_for(plan.parts, [&](std::int64_t index) {
    const Part part = part_of(plan.blocks, plan.parts, index);
    for (std::int64_t block = part.begin; block < part.begin + part.size; ++block) {
      const std::int64_t first = block * plan.block_pixels;
      body(Block{index, first, min64(plan.block_pixels, p.pixels - first), block == part.begin});
    }
    stream_fence();
  });
}

/// The sums that are wanted over what is stored, one part of pixels each.
PartSums begin_part_sums(OutputSums* wanted, const PointwiseProblem& p, const Plan& plan) {
  const PartSums sums = begin_sums(wanted, plan.parts);
  for (std::int64_t index = 0; sums.pixels != nullptr && index < plan.parts; ++index) {
    const Part part = part_of(plan.blocks, plan.parts, index);
    sums.pixels[index] = min64(part.size * plan.block_pixels, p.pixels - part.begin * plan.block_pixels);
  }
  return sums;
}

}  // namespace

std::int64_t pointwise_scratch(const PointwiseProblem& p) {
  return packed_floats(p) + make_plan(p).parts * OuterProduct(p).floats();
}

void pointwise_forward(const PointwiseProblem& p, const PixelSource& x, const float* w,
                       const ConvEpilogue<float>& epilogue, float* scratch, float* y) {
  const Plan plan = make_plan(p);
  pack_matrix(w, 1, p.c_in, p.c_in, p.c_out, scratch);
  const RowProduct product = {p.c_in,
                              p.c_out,
                              scratch,
                              epilogue,
                              begin_part_sums(epilogue.sums, p, plan),
                              belongs_past_caches(y, p.pixels * p.c_out, p.c_out, larger_than_l2),
                              y};
  for_each_block(p, plan, [&](const Block& block) {
    float* room = thread_scratch(plan.block_pixels * p.c_in);
    const float* in = near_pixels(x, block.first, block.count, room);
    multiply_rows(product, in, block, SourcePixels(x, block.first + block.count));
  });
}

void pointwise_backward(const PointwiseProblem& p, const PixelSource& x, const PixelSource& dy, const float* w,
                        const ConvEpilogue<float>& epilogue, float* scratch, float* dx, float* dw) {
  const Plan plan = make_plan(p);
  const OuterProduct outer(p);
  float* const all_sums = scratch + packed_floats(p);
  RowProduct product = {p.c_out, p.c_in, scratch, epilogue, {}, false, dx};
  if (dx != nullptr) {
    pack_matrix(w, p.c_in, 1, p.c_out, p.c_in, scratch);
    product.sums = begin_part_sums(epilogue.sums, p, plan);
    // Lines that are read first, to be added to, had better stay near.
    product.past_caches = epilogue.residual != dx && belongs_past_caches(dx, p.pixels * p.c_in, p.c_in, larger_than_l2);
  }
  for_each_block(p, plan, [&](const Block& block) {
    float* x_room = thread_scratch(plan.block_pixels * (p.c_in + p.c_out) + 2 * lanes);
    float* dy_room = x_room + plan.block_pixels * p.c_in + lanes;
    const float* dy_block = whole_vectors(dy, block, dy_room);
    if (dx != nullptr) multiply_rows(product, dy_block, block, SourcePixels(dy, block.first + block.count));
    const float* x_block = whole_vectors(x, block, x_room);
    const float* a = outer.is_swapped ? dy_block : x_block;
    const float* b = outer.is_swapped ? x_block : dy_block;
    outer.add(a, b, block.count, block.is_first, all_sums + block.part * outer.floats());
  });
  outer.join(all_sums, plan.parts, dw);
}

}  // namespace weft::kernels::WEFT_ISA
