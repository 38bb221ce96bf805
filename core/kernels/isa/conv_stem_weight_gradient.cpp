// Weight gradient of the stem (conv_stem.cpp): the transpose of its last two steps.
//
//   dU[a, b] (K x Cout) = sum over tiles of  V[a, b]' (K x tiles) D[a, b] (tiles x Cout)        D = A dY A',  dg = G' dU G
//
// Order of work, for one block of tiles: V, then for each panel of output channels D, and for each sum the outer
// products of the block's tiles, added to the group's dU. Groups of blocks, cut by the shape alone, have sums of their
// own, which are added in order before they are transformed back.

#include "core/kernels/isa/kernels.h"
#include "core/kernels/isa/outer_tile.h"
#include "core/kernels/isa/stem_values.h"
#include "core/kernels/scratch.h"
#include "core/parallel.h"

namespace weft::kernels::WEFT_ISA {
namespace {

constexpr std::int64_t block_tiles = 64;  // V and D of one panel stay in L2 with dU
constexpr std::int64_t tiles_ahead = 4;
constexpr std::int64_t max_groups = 16;
constexpr std::int64_t max_panel_vectors = 2;
constexpr std::int64_t filters = StemForm::filters * StemForm::filters, sums = StemForm::sums * StemForm::sums;

struct Panel {
  std::int64_t column, vectors;
};

struct Plan {
  TileGrid tiles;
  std::int64_t blocks, groups;
  std::int64_t vectors, panels;                            // of output channels
  std::int64_t group_floats;                               // all dU, [panel][sum][K][panel's width]
  std::int64_t transform_floats, value_step, product_step;  // of a block

  Panel panel(std::int64_t index) const {
    const Part part = part_of(vectors, panels, index);
    return {part.begin * lanes, part.size};
  }
  std::int64_t scratch_floats() const { return transform_floats + sums * (value_step + product_step); }
};

Plan make_plan(const ConvProblem& p) {
  Plan plan;
  plan.tiles = {p.n, ceil_div(p.out_h(), StemForm::out), ceil_div(p.out_w(), StemForm::out)};
  plan.blocks = ceil_div(plan.tiles.count(), block_tiles);
  plan.groups = min64(max_groups, plan.blocks);
  plan.vectors = ceil_div(p.c_out, lanes);
  plan.panels = ceil_div(plan.vectors, max_panel_vectors);
  plan.group_floats = filters * p.c_in * plan.vectors * lanes;
  plan.transform_floats = StemTransform::scratch_floats(block_tiles, p.c_in);
  plan.value_step = TileMatrices::step_for(block_tiles, stem_value_width);
  plan.product_step = TileMatrices::step_for(block_tiles, plan.panel(0).vectors * lanes);
  return plan;
}

/// Fetches all channels of the pixels whose gradients the tile `tiles_ahead` further right will read: they come from
/// memory, and the processor does not foresee three rows of which each panel takes a part.
void fetch_ahead(const Picture& dy, const TilePlace& place) {
  for (int i = 0; i < StemForm::out; ++i) {
    const float* from = dy.at(place.image, place.row * StemForm::out + i, (place.col + tiles_ahead) * StemForm::out);
    for (std::int64_t at = 0; at < StemForm::out * dy.c; at += cache_line_floats) __builtin_prefetch(from + at);
  }
}

/// D of one panel and block.
void transform_gradient(const ConvProblem& p, const Plan& plan, const float* dy, const Part& block, const Panel& panel,
                        const TileMatrices& products) {
  const Picture picture = {dy, p.out_h(), p.out_w(), p.c_out};
  const auto map = [](const Vec(&in)[StemForm::out], Vec(&out)[StemForm::sums]) {
    StemForm::output_transposed(in, out);
  };
  for (std::int64_t tile = 0; tile < block.size; ++tile) {
    const TilePlace place = plan.tiles.place(block.begin + tile);
    if (panel.column == 0) fetch_ahead(picture, place);
    for_each_vector(min64(products.width, p.c_out - panel.column), [&](auto part, std::int64_t k) {
      float* const to = products.row(tile) + k;
      map_patch<StemForm::out, StemForm::sums, StemForm::out>(
          picture, place.image, place.row * StemForm::out, place.col * StemForm::out, part, panel.column + k, map,
          [&](int i, int j, Vec v) { store(to + (i * StemForm::sums + j) * products.step, v); });
    });
  }
}

/// Adds a block's outer products to one panel's dU.
void add_products(std::int64_t channels, const Panel& panel, std::int64_t tiles, bool is_first,
                  const TileMatrices& values, const TileMatrices& products, float* to) {
  const Strip strip = {0, 0, 0, 0, tiles};
  const std::int64_t max_rows = max_outer_rows(panel.vectors);
  for (int a = 0; a < StemForm::sums; ++a) {
    for (int b = 0; b < StemForm::sums; ++b) {
      const std::int64_t k = filters_in(a) * filters_in(b) * channels, sum = a * StemForm::sums + b;
      for (std::int64_t index = 0; index < ceil_div(k, max_rows); ++index) {
        const Part rows = part_of(k, ceil_div(k, max_rows), index);
        const ImageView left = {values.data + sum * values.step + rows.begin, 0, 0, 0, stem_value_width};
        const ImageView right = {products.data + sum * products.step, 0, 0, 0, products.width};
        outer_tile_function(rows.size, panel.vectors)({&strip, 1, left, right, 1, 1, !is_first, to});
        to += rows.size * products.width;
      }
    }
  }
}

/// All steps but the last for one group.
void run_group(const ConvProblem& p, const Plan& plan, const float* x, const float* dy, const Part& blocks, float* to) {
  float* const scratch = thread_scratch(plan.scratch_floats());
  const StemTransform transform({x, p.h, p.w, p.c_in}, plan.tiles, block_tiles, scratch);
  const TileMatrices values = {scratch + plan.transform_floats, stem_value_width, plan.value_step};
  for (std::int64_t index = 0; index < blocks.size; ++index) {
    const std::int64_t begin = (blocks.begin + index) * block_tiles;
    const Part block = {begin, min64(block_tiles, plan.tiles.count() - begin)};
    transform(block, 1, values);
    for (std::int64_t i = 0; i < plan.panels; ++i) {
      const Panel panel = plan.panel(i);
      const TileMatrices products = {values.data + sums * values.step, panel.vectors * lanes, plan.product_step};
      transform_gradient(p, plan, dy, block, panel, products);
      add_products(p.c_in, panel, block.size, index == 0, values, products, to + filters * p.c_in * panel.column);
    }
  }
}

/// dg = G' dU G for an input channel and up to `lanes` output channels from `column` on, from all groups' sums, the
/// first of which are `width` apart.
void finish_vector(const ConvProblem& p, const Plan& plan, const float* from, std::int64_t width, std::int64_t channel,
                   std::int64_t column, float* dw) {
  constexpr int taps = StemForm::taps * StemForm::taps;
  float g[taps][lanes];
  const auto load_at = [&](int i, int j) {
    const float* at = from + (filter_place<StemForm>(i, j) * p.c_in + channel) * width;
    Vec total = load(at);
    for (std::int64_t group = 1; group < plan.groups; ++group) total += load(at + group * plan.group_floats);
    return total;
  };
  const auto map = [](const Vec(&in)[StemForm::filters], Vec(&out)[StemForm::taps]) {
    StemForm::filter_transposed(in, out);
  };
  map_both_axes<StemForm::filters, StemForm::taps>(load_at, map,
                                                   [&](int i, int j, Vec t) { store(g[StemForm::taps * i + j], t); });
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
    const Panel panel = plan.panel(task / p.c_in);
    for (std::int64_t v = 0; v < panel.vectors * lanes; v += lanes) {
      const float* from = scratch + filters * p.c_in * panel.column + v;
      finish_vector(p, plan, from, panel.vectors * lanes, task % p.c_in, panel.column + v, dw);
    }
  });
}

}  // namespace weft::kernels::WEFT_ISA
