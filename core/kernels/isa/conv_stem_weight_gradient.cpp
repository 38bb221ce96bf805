// Weight gradient of the stem (conv_stem.cpp): the transpose of its last two steps.
//
//   dU[a, b] (K x Cout) = sum over tiles of  V[a, b]' (K x tiles) D[a, b] (tiles x Cout)
//   D = A dY A'        dg = G' dU G
//
// Order of work, for one block of tiles: V, then for each panel of output channels D, and for each sum the outer
// products of the block's tiles, added to the group's dU. Groups of blocks, cut by the shape alone, have sums of their
// own, which are added in order before they are transformed back.

#include "core/kernels/isa/kernels.h"
#include "core/kernels/isa/outer_tile.h"
#include "core/kernels/isa/panel.h"
#include "core/kernels/isa/stem_values.h"
#include "core/kernels/scratch.h"
#include "core/parallel.h"

namespace weft::kernels::WEFT_ISA {
namespace {

// Rows of five outputs, as forward has them, would save a fifth of the products, and round two to three times more.
using Rows = ThreeOutputs;
using Columns = ThreeOutputs;
constexpr std::int64_t filters = Rows::filters * Columns::filters, sums = Rows::sums * Columns::sums;

constexpr std::int64_t block_tiles = 64;  // V, D of one panel, dU and the next gradients stay in L2
constexpr std::int64_t max_groups = 16;
constexpr std::int64_t max_panel_vectors = 2;

struct Plan {
  TileGrid tiles;
  std::int64_t blocks, groups;
  std::int64_t panels;                                      // of output channels
  std::int64_t group_floats;                                // all dU, [panel][sum][K][panel's width]
  std::int64_t transform_floats, value_step, product_step;  // of a block

  /// Tiles of a block; none after the last.
  Part block(std::int64_t index) const {
    const std::int64_t begin = index * block_tiles;
    return {begin, max64(0, min64(block_tiles, tiles.count() - begin))};
  }
  std::int64_t scratch_floats() const { return transform_floats + sums * (value_step + product_step); }
};

Plan make_plan(const ConvProblem& p) {
  Plan plan;
  plan.tiles = {p.n, ceil_div(p.out_h(), Rows::out), ceil_div(p.out_w(), Columns::out)};
  plan.blocks = ceil_div(plan.tiles.count(), block_tiles);
  plan.groups = min64(max_groups, plan.blocks);
  plan.panels = panels_of(p.c_out, max_panel_vectors);
  plan.group_floats = filters * p.c_in * ceil_div(p.c_out, lanes) * lanes;
  plan.transform_floats = StemTransform<Rows, Columns>::scratch_floats(block_tiles, p.c_in);
  plan.value_step = TileMatrices::step_for(block_tiles, stem_value_width);
  plan.product_step = TileMatrices::step_for(block_tiles, panel_of(p.c_out, max_panel_vectors, 0).vectors * lanes);
  return plan;
}

/// D of one tile and the vector of channels from `channel` on. dy is zero outside the image.
template <bool is_whole, class Part>
void transform_gradient(const Picture& dy, const TilePlace& place, const Part& part, std::int64_t channel,
                        std::int64_t step, float* to) {
  const std::int64_t row = place.row * Rows::out, col = place.col * Columns::out;
  const float* from = dy.at(place.image, row, col) + channel;
  const auto load_at = [&](int i, int j) {
    return is_whole || (row + i < dy.h && col + j < dy.w) ? part.load_from(from + (i * dy.w + j) * dy.c) : Vec{};
  };
  const auto map_rows = [](const Vec(&y)[Rows::out], Vec(&m)[Rows::sums]) { Rows::output_transposed(y, m); };
  const auto map_cols = [](const Vec(&y)[Columns::out], Vec(&m)[Columns::sums]) { Columns::output_transposed(y, m); };
  map_axes<Rows::out, Rows::sums, Columns::out, Columns::sums>(
      load_at, map_rows, map_cols, [&](int i, int j, Vec d) { store(to + (i * Columns::sums + j) * step, d); });
}

/// D of one panel and block.
void transform_gradients(const Picture& dy, const TileGrid& tiles, const Part& block, const Panel& panel,
                         const TileMatrices& products) {
  for (std::int64_t tile = 0; tile < block.size; ++tile) {
    const TilePlace place = tiles.place(block.begin + tile);
    const bool is_whole = (place.row + 1) * Rows::out <= dy.h && (place.col + 1) * Columns::out <= dy.w;
    for_each_vector(min64(products.width, dy.c - panel.column), [&](auto part, std::int64_t k) {
      float* const to = products.row(tile) + k;
      if (is_whole) {
        transform_gradient<true>(dy, place, part, panel.column + k, products.step, to);
      } else {
        transform_gradient<false>(dy, place, part, panel.column + k, products.step, to);
      }
    });
  }
}

/// The gradients of the next block come from memory, which has nothing to do while products are made: so a part of them
/// is fetched with each sum.
struct NextBlock {
  const Picture& dy;
  const TileGrid& tiles;
  Part block;
  std::int64_t parts;

  /// All channels of some rows of tiles. Inlined because gcc removes calls of functions that do nothing but fetch.
  WEFT_ALWAYS_INLINE void fetch(std::int64_t part) const {
    const Part rows = part_of(block.size * Rows::out, parts, part);
    for (std::int64_t row = rows.begin; row < rows.begin + rows.size; ++row) {
      const TilePlace place = tiles.place(block.begin + row / Rows::out);
      const float* from = dy.at(place.image, place.row * Rows::out + row % Rows::out, place.col * Columns::out);
      for (std::int64_t at = 0; at < Columns::out * dy.c; at += cache_line_floats) __builtin_prefetch(from + at, 0, 2);
    }
  }
};

/// Adds a block's outer products to the panel's dU.
void add_products(std::int64_t channels, const Panel& panel, std::int64_t tiles, bool is_first,
                  const TileMatrices& values, const TileMatrices& products, const NextBlock& next, float* to) {
  const Strip strip = {0, 0, 0, 0, tiles};
  const std::int64_t max_rows = max_outer_rows(panel.vectors);
  for (int sum = 0; sum < sums; ++sum) {
    next.fetch(panel.index * sums + sum);
    const std::int64_t k = stem_values_in<Rows, Columns>(sum) * channels;
    for (std::int64_t part = 0; part < ceil_div(k, max_rows); ++part) {
      const Part rows = part_of(k, ceil_div(k, max_rows), part);
      const ImageView left = {values.data + sum * values.step + rows.begin, 0, 0, 0, stem_value_width};
      const ImageView right = {products.data + sum * products.step, 0, 0, 0, products.width};
      outer_tile_function(rows.size, panel.vectors)({&strip, 1, left, right, 1, 1, !is_first, to});
      to += rows.size * products.width;
    }
  }
}

/// All steps but the last for one group.
void run_group(const ConvProblem& p, const Plan& plan, const float* x, const float* dy, const Part& blocks, float* to) {
  float* const scratch = thread_scratch(plan.scratch_floats());
  const StemTransform<Rows, Columns> transform({x, p.h, p.w, p.c_in}, plan.tiles, block_tiles, scratch);
  const TileMatrices values = {scratch + plan.transform_floats, stem_value_width, plan.value_step};
  const Picture gradient = {dy, p.out_h(), p.out_w(), p.c_out};
  for (std::int64_t index = 0; index < blocks.size; ++index) {
    const Part block = plan.block(blocks.begin + index);
    const NextBlock next = {gradient, plan.tiles, plan.block(blocks.begin + index + 1), sums * plan.panels};
    transform(block, 1, values);
    for (std::int64_t i = 0; i < plan.panels; ++i) {
      const Panel panel = panel_of(p.c_out, max_panel_vectors, i);
      const TileMatrices products = {values.data + sums * values.step, panel.vectors * lanes, plan.product_step};
      transform_gradients(gradient, plan.tiles, block, panel, products);
      add_products(p.c_in, panel, block.size, index == 0, values, products, next, to + filters * p.c_in * panel.column);
    }
  }
}

/// dg = G' dU G for an input channel and up to `lanes` output channels from `column` on, from all groups' sums, the
/// first of which are `width` apart.
void finish_vector(const ConvProblem& p, const Plan& plan, const float* from, std::int64_t width, std::int64_t channel,
                   std::int64_t column, float* dw) {
  constexpr int taps = stem_taps * stem_taps;
  float g[taps][lanes];
  const auto load_at = [&](int i, int j) {
    const float* at = from + (filter_place<Rows, Columns>(i, j) * p.c_in + channel) * width;
    Vec total = load(at);
    for (std::int64_t group = 1; group < plan.groups; ++group) total += load(at + group * plan.group_floats);
    return total;
  };
  const auto map_rows = [](const Vec(&in)[Rows::filters], Vec(&out)[stem_taps]) { Rows::filter_transposed(in, out); };
  const auto map_cols = [](const Vec(&in)[Columns::filters], Vec(&out)[stem_taps]) {
    Columns::filter_transposed(in, out);
  };
  map_axes<Rows::filters, stem_taps, Columns::filters, stem_taps>(
      load_at, map_rows, map_cols, [&](int i, int j, Vec t) { store(g[stem_taps * i + j], t); });
  for (std::int64_t n = 0; n < min64(lanes, p.c_out - column); ++n) {
    float* const to = dw + ((column + n) * p.c_in + channel) * taps;
    for (int tap = 0; tap < taps; ++tap) to[tap] = g[tap][n];
  }
}

}  // namespace

std::int64_t stem_weight_gradient_scratch(const ConvProblem& p) {
  const Plan plan = make_plan(p);
  return plan.groups * plan.group_floats;
}

void stem_weight_gradient(const ConvProblem& p, const float* x, const float* dy, float* scratch, float* dw) {
  const Plan plan = make_plan(p);
  parallel_for(plan.groups, [&](std::int64_t group) {
    run_group(p, plan, x, dy, part_of(plan.blocks, plan.groups, group), scratch + group * plan.group_floats);
  });
  parallel_for(plan.panels * p.c_in, [&](std::int64_t task) {
    const Panel panel = panel_of(p.c_out, max_panel_vectors, task / p.c_in);
    for (std::int64_t v = 0; v < panel.vectors * lanes; v += lanes) {
      const float* from = scratch + filters * p.c_in * panel.column + v;
      finish_vector(p, plan, from, panel.vectors * lanes, task % p.c_in, panel.column + v, dw);
    }
  });
}

}  // namespace weft::kernels::WEFT_ISA
