// Weight gradient of a 3x3 convolution by minimal filtering: the transpose of its last two steps (winograd_forms.h).
//
//   dU[f] (Cin x Cout) = sum over tiles of  V[value]' (Cin x tiles) D[sum] (tiles x Cout)    D = A dY A', dg = G' dU G
//
// The sum over tiles is taken in the transformed domain, so dg is transformed back once, at the end.
//
// Order of work, for one block of tiles: transform the inputs to V and the gradients to D, then for each filter, panel
// of up to 64 output channels and group of input channels add the block's outer products to the sums. Groups of blocks
// have sums of their own, which are added in order at the end: the smaller the sums, the more groups. A thread takes
// one group after another; where groups do not go round, the threads share the steps of each block instead, and then
// wait for each other twice a block and for what the others have transformed. The bits are the same: they depend on the
// groups, and those on the shape alone.

#include "core/kernels/isa/kernels.h"
#include "core/kernels/isa/outer_tile.h"
#include "core/kernels/isa/transpose.h"
#include "core/kernels/isa/winograd_tiles.h"
#include "core/kernels/scratch.h"
#include "core/parallel.h"

namespace weft::kernels::WEFT_ISA {
namespace {

constexpr std::int64_t small_sums = 1 << 17, medium_sums = 1 << 20;  // floats; small ones stay in L2
constexpr std::int64_t small_groups = 16, medium_groups = 4;         // at most; large sums are not worth adding twice
constexpr std::int64_t small_block_floats = 64 * 1024;               // V and D of a block beside small sums
// Tiles of a block. Large sums come from memory for each block and go back: a block has to be worth that.
constexpr std::int64_t medium_block_tiles = 64, large_block_tiles = 256;
constexpr std::int64_t task_channels = 48;                        // input channels of a task
constexpr std::int64_t finish_channels = 16;                      // input channels whose filters are written together
constexpr std::int64_t row_floats = 9 * finish_channels + lanes;  // with room for what store_filters overwrites

std::int64_t round_up(std::int64_t count, std::int64_t unit) { return ceil_div(count, unit) * unit; }

struct Plan {
  TileGrid tiles;
  std::int64_t block_tiles, blocks, groups;
  std::int64_t width_in, width_out;    // channels in whole vectors
  std::int64_t values, sums, filters;  // matrices in V, in D and in dU
  std::int64_t panels, row_tiles;      // of width_out, of c
  std::int64_t group_sums;             // floats
  bool is_shared;

  /// From a filter's sums to the next one's: a cache line keeps them from falling into the same cache sets.
  std::int64_t filter_step(std::int64_t c) const { return c * width_out + cache_line_floats; }
  std::int64_t value_floats() const { return values * TileMatrices::step_for(block_tiles, width_in); }
  std::int64_t block_scratch() const { return value_floats() + sums * TileMatrices::step_for(block_tiles, width_out); }
};

Plan make_plan(const WinogradSource& source, const WinogradWork& work) {
  Plan plan;
  with_form(source.form, [&](auto form) {
    using Form = decltype(form);
    plan.tiles = {work.images, ceil_div(work.out_h, Form::out), ceil_div(work.out_w, Form::out)};
    plan.values = Form::values * Form::values;
    plan.sums = Form::sums * Form::sums;
    plan.filters = Form::filters * Form::filters;
  });
  plan.width_in = round_up(source.c, lanes), plan.width_out = round_up(work.out_c, lanes);
  plan.panels = ceil_div(plan.width_out / lanes, max_outer_vectors);
  plan.row_tiles = ceil_div(source.c, max_outer_rows(ceil_div(plan.width_out / lanes, plan.panels)));
  plan.group_sums = plan.filters * plan.filter_step(source.c);
  const std::int64_t tile_floats = plan.values * plan.width_in + plan.sums * plan.width_out;
  const bool are_small = plan.group_sums <= small_sums, are_medium = !are_small && plan.group_sums <= medium_sums;
  plan.block_tiles = are_small    ? max64(16, small_block_floats / tile_floats)
                     : are_medium ? medium_block_tiles
                                  : large_block_tiles;
  plan.block_tiles = min64(plan.block_tiles, plan.tiles.count());
  plan.blocks = ceil_div(plan.tiles.count(), plan.block_tiles);
  plan.groups = are_small    ? min64(small_groups, plan.blocks)
                : are_medium ? max64(1, min64(medium_groups, plan.blocks / 2))
                             : 1;
  plan.is_shared = !are_small && (plan.groups == 1 || plan.groups % num_threads() != 0);
  return plan;
}

/// Where the sums of a filter, panel and run of input channels lie: [filter][panel][channel][panel's width].
std::int64_t sums_at(const Plan& plan, std::int64_t c, std::int64_t filter, std::int64_t column, std::int64_t width,
                     std::int64_t channel) {
  return filter * plan.filter_step(c) + column * c + channel * width;
}

/// Step 1: V and D of tiles [begin, begin + count).
template <class Form>
void transform_block(const Plan& plan, const WinogradSource& source, const Picture& gradient, const Part& block,
                     const TileMatrices& values, const TileMatrices& products) {
  const Picture picture = {source.data, source.h, source.w, source.c};
  constexpr std::int64_t chunk = 8;
  parallel_for(ceil_div(block.size, chunk), [&](std::int64_t task) {
    for (std::int64_t tile = task * chunk; tile < min64(block.size, (task + 1) * chunk); ++tile) {
      const TilePlace place = plan.tiles.place(block.begin + tile);
      transform_input<Form>(picture, place, source.padding, tile, values);
      transform_output_gradient<Form>(gradient, place, tile, products);
    }
  });
}

/// Step 2: adds the outer products of one block to the sums.
template <class Form>
void add_products(const Plan& plan, const WinogradSource& source, const Part& block, bool is_first,
                  const TileMatrices& values, const TileMatrices& products, float* sums) {
  const std::int64_t channel_groups = ceil_div(plan.row_tiles * max_outer_rows(1), task_channels);
  const std::int64_t groups = min64(plan.row_tiles, channel_groups);
  const Strip strip = {0, 0, 0, 0, block.size};
  parallel_for(plan.filters * groups, [&](std::int64_t task) {
    const std::int64_t filter = task / groups;
    const std::int64_t value =
        Form::value_of[filter / Form::filters] * Form::values + Form::value_of[filter % Form::filters];
    const std::int64_t sum = sum_of<Form>(static_cast<int>(filter / Form::filters)) * Form::sums +
                             sum_of<Form>(static_cast<int>(filter % Form::filters));
    const Part row_tiles = part_of(plan.row_tiles, groups, task % groups);
    for (std::int64_t index = 0; index < plan.panels; ++index) {
      const Part panel = part_of(plan.width_out / lanes, plan.panels, index);
      const std::int64_t column = panel.begin * lanes, width = panel.size * lanes;
      for (std::int64_t r = 0; r < row_tiles.size; ++r) {
        const Part rows = part_of(source.c, plan.row_tiles, row_tiles.begin + r);
        const ImageView a = {values.data + value * values.step + rows.begin, 0, 0, 0, values.width};
        const ImageView b = {products.data + sum * products.step + column, 0, 0, 0, products.width};
        outer_tile_function(rows.size, panel.size)(
            {&strip, 1, a, b, 1, 1, !is_first, sums + sums_at(plan, source.c, filter, column, width, rows.begin)});
      }
    }
  });
}

/// Steps 1 and 2 for one block.
template <class Form>
void run_block(const Plan& plan, const WinogradSource& source, const WinogradWork& work, const float* dy,
               std::int64_t index, bool is_first, float* scratch, float* sums) {
  const std::int64_t begin = index * plan.block_tiles;
  const Part block = {begin, min64(plan.block_tiles, plan.tiles.count() - begin)};
  const TileMatrices values = {scratch, plan.width_in, TileMatrices::step_for(plan.block_tiles, plan.width_in)};
  const TileMatrices products = {scratch + plan.value_floats(), plan.width_out,
                                 TileMatrices::step_for(plan.block_tiles, plan.width_out)};
  transform_block<Form>(plan, source, {dy, work.out_h, work.out_w, work.out_c}, block, values, products);
  add_products<Form>(plan, source, block, is_first, values, products, sums);
}

/// dg = G' dU G for an input channel and a vector of output channels, from the sums of all groups, added in order.
/// Taps go to rows[output channel] from `place` on. The sums come from as many places as there are filters, and what
/// the channel after the next needs, 2 `width` further, is fetched with them.
template <class Form>
void finish_filter(const Plan& plan, std::int64_t c, std::int64_t width, const float* sums,
                   float (&rows)[lanes][row_floats], std::int64_t place) {
  Vec u[Form::filters][Form::filters];
  for (int f = 0; f < Form::filters * Form::filters; ++f) {
    const float* from = sums + f * plan.filter_step(c);
    __builtin_prefetch(from + 2 * width);
    Vec total = load(from);
    for (std::int64_t group = 1; group < plan.groups; ++group) total += load(from + group * plan.group_sums);
    u[f / Form::filters][f % Form::filters] = total;
  }
  Vec taps[9];
  const auto map = [](const Vec(&in)[Form::filters], Vec(&out)[3]) { Form::filter_transposed(in, out); };
  const auto load_at = [&](int i, int j) { return u[i][j]; };
  map_both_axes<Form::filters, 3>(load_at, map, [&](int i, int j, Vec g) { taps[3 * i + j] = g; });
  store_filters(taps, rows[0] + place, row_floats);
}

/// Step 3 for one vector of output channels, `v` channels into its panel, and some input channels. An output channel's
/// filters for those lie together, but far from the next one's: they are written after all have been made.
template <class Form>
void finish_filters(const Plan& plan, const WinogradSource& source, const WinogradWork& work, const Part& panel,
                    std::int64_t v, const Part& channels, const float* sums, const WinogradGradients& dw) {
  const std::int64_t column = panel.begin * lanes, width = panel.size * lanes;
  float rows[lanes][row_floats];
  for (std::int64_t k = 0; k < channels.size; ++k)
    finish_filter<Form>(plan, source.c, width, sums + sums_at(plan, source.c, 0, column, width, channels.begin + k) + v,
                        rows, 9 * k);
  for (std::int64_t n = 0; n < min64(lanes, work.out_c - column - v); ++n) {
    float* to = dw.dw + (column + v + n) * dw.step_n + 9 * channels.begin;
    for_each_vector(9 * channels.size,
                    [&](auto part, std::int64_t i) { part.store_to(to + i, part.load_from(rows[n] + i)); });
  }
}

template <class Form>
void run(const WinogradSource& source, const WinogradWork& work, const float* dy, float* scratch,
         const WinogradGradients& dw) {
  const Plan plan = make_plan(source, work);
  float* sums = scratch;
  const auto run_group = [&](std::int64_t group, float* block_scratch) {
    const Part blocks = part_of(plan.blocks, plan.groups, group);
    for (std::int64_t block = 0; block < blocks.size; ++block)
      run_block<Form>(plan, source, work, dy, blocks.begin + block, block == 0, block_scratch,
                      sums + group * plan.group_sums);
  };
  if (plan.is_shared) {
    for (std::int64_t group = 0; group < plan.groups; ++group) run_group(group, sums + plan.groups * plan.group_sums);
  } else {
    parallel_for(plan.groups, [&](std::int64_t group) { run_group(group, thread_scratch(plan.block_scratch())); });
  }
  parallel_for(ceil_div(source.c, finish_channels), [&](std::int64_t task) {
    const std::int64_t begin = task * finish_channels;
    const Part channels = {begin, min64(finish_channels, source.c - begin)};
    for (std::int64_t index = 0; index < plan.panels; ++index) {
      const Part panel = part_of(plan.width_out / lanes, plan.panels, index);
      for (std::int64_t v = 0; v < panel.size * lanes; v += lanes)
        finish_filters<Form>(plan, source, work, panel, v, channels, sums, dw);
    }
  });
}

}  // namespace

std::int64_t winograd_weight_gradient_scratch(const WinogradSource& source, const WinogradWork& work) {
  const Plan plan = make_plan(source, work);
  return plan.group_sums * plan.groups + (plan.is_shared ? plan.block_scratch() : 0);
}

void winograd_weight_gradient(const WinogradSource& source, const WinogradWork& work, const float* dy, float* scratch,
                              const WinogradGradients& dw) {
  switch (source.form) {
    case WinogradForm::same:
      return run<SameForm>(source, work, dy, scratch, dw);
    case WinogradForm::upsampled:
      return run<UpsampledForm>(source, work, dy, scratch, dw);
    case WinogradForm::strided:
      return run<StridedForm>(source, work, dy, scratch, dw);
    case WinogradForm::same_six:
      return run<SameSixForm>(source, work, dy, scratch, dw);
    case WinogradForm::upsampled_six:
      return run<UpsampledSixForm>(source, work, dy, scratch, dw);
    case WinogradForm::upsampled_wide:  // larger sums than `upsampled_six` has, for the same gradient
    case WinogradForm::pooled:          // an adjoint's filters are those of the form itself
    case WinogradForm::pooled_six:
    case WinogradForm::spread:
      return;
  }
}

}  // namespace weft::kernels::WEFT_ISA
