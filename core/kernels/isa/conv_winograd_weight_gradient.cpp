// Weight gradient of a 3x3 convolution by minimal filtering: the transpose of its last two steps (winograd_forms.h).
//
//   dU[f] (Cin x Cout) = sum over tiles of  V[value]' (Cin x tiles) D[sum] (tiles x Cout)    D = A dY A', dg = G' dU G
//
// The sum over tiles is taken in the transformed domain, so dg is transformed back once, at the end.
//
// Order of work, for one block of tiles: transform the inputs to V and the gradients to D, then for each filter, panel
// of up to 64 output channels and slice of up to 64 input channels add the block's outer products to the sums. V and D
// lie slice by slice and panel by panel: a product reads what lies together.
//
// Where all tiles are one block, and slices and panels are enough for all threads, a task takes a slice and a panel
// through all filters and finishes dg at once: its sums stay in L2. Elsewhere groups of blocks have sums of their own,
// which are added in order at the end: the smaller the sums, the more groups. A thread takes one group after another;
// where groups do not go round, the threads share the steps of each block instead, and then wait for each other twice a
// block and for what the others have transformed. The bits are the same in all three: they depend on the groups, and
// those on the shape alone.

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
constexpr std::int64_t slice_lines = 4;                           // cache lines of input channels in a slice
constexpr std::int64_t finish_channels = 16;                      // input channels whose filters are written together
constexpr std::int64_t row_floats = 9 * finish_channels + lanes;  // with room for what store_filters overwrites

struct Plan {
  TileGrid tiles;
  std::int64_t block_tiles, blocks, groups;
  std::int64_t c, out_c;
  std::int64_t values, sums, filters;  // matrices in V, in D and in dU
  std::int64_t slices, panels;         // that c and out_c are cut into
  std::int64_t group_sums;             // floats
  bool is_shared;
  bool finishes_at_once;  // tasks do, each with the filters whose sums it has made

  /// From a filter's sums to the next one's: a cache line keeps them from falling into the same cache sets.
  std::int64_t filter_step() const { return c * round_up(out_c, lanes) + cache_line_floats; }

  /// Some input channels, whole cache lines of them but at the end.
  Part slice(std::int64_t index) const {
    const Part part = part_of(ceil_div(c, cache_line_floats), slices, index);
    const std::int64_t begin = part.begin * cache_line_floats;
    return {begin, min64(part.size * cache_line_floats, c - begin)};
  }
  /// Some output channels, in whole vectors.
  Part panel(std::int64_t index) const {
    const Part part = part_of(ceil_div(out_c, lanes), panels, index);
    return {part.begin * lanes, part.size * lanes};
  }

  // V and D of a block: matrices for each slice, then for each panel: what a task reads lies together.
  std::int64_t matrices_floats(std::int64_t matrices, std::int64_t width) const {
    return matrices * TileMatrices::step_for(block_tiles, width);
  }
  std::int64_t slice_width() const { return round_up(slice(0).size, lanes); }
  std::int64_t panel_width() const { return panel(0).size; }
  TileMatrices slice_values(float* block, std::int64_t index) const {
    return {block + index * matrices_floats(values, slice_width()), slice_width(),
            TileMatrices::step_for(block_tiles, slice_width())};
  }
  TileMatrices panel_products(float* block, std::int64_t index) const {
    return {block + slices * matrices_floats(values, slice_width()) + index * matrices_floats(sums, panel_width()),
            panel_width(), TileMatrices::step_for(block_tiles, panel_width())};
  }
  std::int64_t block_scratch() const {
    return slices * matrices_floats(values, slice_width()) + panels * matrices_floats(sums, panel_width());
  }
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
  plan.c = source.c, plan.out_c = work.out_c;
  plan.slices = ceil_div(ceil_div(source.c, cache_line_floats), slice_lines);
  plan.panels = ceil_div(ceil_div(work.out_c, lanes), max_outer_vectors);
  plan.group_sums = plan.filters * plan.filter_step();
  const std::int64_t tile_floats = plan.values * round_up(source.c, lanes) + plan.sums * round_up(work.out_c, lanes);
  const bool are_small = plan.group_sums <= small_sums, are_medium = !are_small && plan.group_sums <= medium_sums;
  plan.block_tiles = are_small    ? max64(16, small_block_floats / tile_floats)
                     : are_medium ? medium_block_tiles
                                  : large_block_tiles;
  plan.block_tiles = min64(plan.block_tiles, plan.tiles.count());
  plan.blocks = ceil_div(plan.tiles.count(), plan.block_tiles);
  plan.groups = are_small    ? min64(small_groups, plan.blocks)
                : are_medium ? max64(1, min64(medium_groups, plan.blocks / 2))
                             : 1;
  plan.finishes_at_once = plan.blocks == 1 && plan.slices * plan.panels >= threads_to_share();
  plan.is_shared = !are_small && (plan.groups == 1 || plan.groups % threads_to_share() != 0);
  return plan;
}

/// The sums of a panel and some input channels, from `first` on: [filter][channel][panel's width].
struct PanelSums {
  float* data;
  std::int64_t first, width, filter_step;

  float* at(std::int64_t filter, std::int64_t channel) const {
    return data + filter * filter_step + (channel - first) * width;
  }
};

/// Those of all input channels, in a group's sums: [filter][panel][channel][panel's width].
PanelSums sums_of_panel(const Plan& plan, const Part& panel, float* group) {
  return {group + panel.begin * plan.c, 0, panel.size, plan.filter_step()};
}

/// Step 1: V and D of tiles [block]. In multiply_and_finish a thread begins with the slices that it began with here.
template <class Form>
void transform_block(const Plan& plan, const WinogradSource& source, const Picture& gradient, const Part& block,
                     float* scratch) {
  constexpr std::int64_t chunk = 16;
  const std::int64_t chunks = ceil_div(block.size, chunk);
  const auto for_each_tile = [&](std::int64_t index, const auto& transform) {
    for (std::int64_t tile = index * chunk; tile < min64(block.size, (index + 1) * chunk); ++tile)
      transform(plan.tiles.place(block.begin + tile), tile);
  };
  parallel_for(plan.slices * chunks, [&](std::int64_t task) {
    const Part slice = plan.slice(task / chunks);
    const TileMatrices values = plan.slice_values(scratch, task / chunks);
    const Picture picture = {source.data + slice.begin, source.h, source.w, source.c};
    WinogradNorm norm = source.norm;
    if (norm.factor != nullptr) norm.factor += slice.begin, norm.offset += slice.begin;
    for_each_tile(task % chunks, [&](const TilePlace& place, std::int64_t tile) {
      transform_input<Form>(picture, norm, place, source.padding, slice.size, tile, values);
    });
  });
  parallel_for(plan.panels * chunks, [&](std::int64_t task) {
    const Part panel = plan.panel(task / chunks);
    const TileMatrices products = plan.panel_products(scratch, task / chunks);
    const Picture picture = {gradient.data + panel.begin, gradient.h, gradient.w, gradient.c};
    for_each_tile(task % chunks, [&](const TilePlace& place, std::int64_t tile) {
      transform_output_gradient<Form>(picture, place, min64(panel.size, plan.out_c - panel.begin), tile, products);
    });
  });
}

/// The outer products of one filter for one slice and one panel, over a block's tiles.
template <class Form>
void multiply(const Plan& plan, std::int64_t tiles, std::int64_t filter, std::int64_t slice_index,
              std::int64_t panel_index, bool add_to_sums, float* scratch, const PanelSums& sums) {
  const std::int64_t value =
      Form::value_of[filter / Form::filters] * Form::values + Form::value_of[filter % Form::filters];
  const std::int64_t sum = sum_of<Form>(static_cast<int>(filter / Form::filters)) * Form::sums +
                           sum_of<Form>(static_cast<int>(filter % Form::filters));
  const TileMatrices values = plan.slice_values(scratch, slice_index),
                     products = plan.panel_products(scratch, panel_index);
  const Part slice = plan.slice(slice_index);
  const std::int64_t vectors = plan.panel(panel_index).size / lanes;
  const std::int64_t row_tiles = ceil_div(slice.size, max_outer_rows(vectors));
  const ImageView b = {products.data + sum * products.step, 0, 0, 0, products.width};
  const Strip strip = {0, 0, 0, 0, tiles};
  for (std::int64_t r = 0; r < row_tiles; ++r) {
    const Part part = part_of(slice.size, row_tiles, r);
    const ImageView a = {values.data + value * values.step + part.begin, 0, 0, 0, values.width};
    outer_tile_function(part.size,
                        vectors)({&strip, 1, a, b, 1, 1, add_to_sums, sums.at(filter, slice.begin + part.begin)});
  }
}

/// Step 2: adds the outer products of one block to the sums.
template <class Form>
void add_products(const Plan& plan, std::int64_t tiles, bool is_first, float* scratch, float* sums) {
  parallel_for(plan.filters * plan.slices, [&](std::int64_t task) {
    for (std::int64_t panel = 0; panel < plan.panels; ++panel)
      multiply<Form>(plan, tiles, task / plan.slices, task % plan.slices, panel, !is_first, scratch,
                     sums_of_panel(plan, plan.panel(panel), sums));
  });
}

/// dg = G' dU G for an input channel and a vector of output channels, from the sums of all groups, added in order.
/// Taps go to rows[output channel] from `place` on. The sums come from as many places as there are filters, and what
/// the channel after the next needs is fetched with them.
template <class Form>
void finish_filter(const Plan& plan, const PanelSums& sums, std::int64_t channel, std::int64_t v,
                   float (&rows)[lanes][row_floats], std::int64_t place) {
  Vec u[Form::filters][Form::filters];
  for (int f = 0; f < Form::filters * Form::filters; ++f) {
    const float* from = sums.at(f, channel) + v;
    __builtin_prefetch(from + 2 * sums.width);
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

/// Step 3 for a panel and input channels [channels). An output channel's filters for those lie together, but far from
/// the next one's: they are written after some have been made.
template <class Form>
void finish_filters(const Plan& plan, const Part& panel, const Part& channels, const PanelSums& sums,
                    const WinogradGradients& dw) {
  float rows[lanes][row_floats];
  for (std::int64_t first = 0; first < channels.size; first += finish_channels) {
    const std::int64_t begin = channels.begin + first, count = min64(finish_channels, channels.size - first);
    for (std::int64_t v = 0; v < panel.size; v += lanes) {
      for (std::int64_t k = 0; k < count; ++k) finish_filter<Form>(plan, sums, begin + k, v, rows, 9 * k);
      for (std::int64_t n = 0; n < min64(lanes, plan.out_c - panel.begin - v); ++n) {
        float* to = dw.dw + (panel.begin + v + n) * dw.step_n + 9 * begin;
        for_each_vector(9 * count,
                        [&](auto part, std::int64_t i) { part.store_to(to + i, part.load_from(rows[n] + i)); });
      }
    }
  }
}

/// Steps 2 and 3 where there is one block: a task's sums stay in L2, and are never in memory.
template <class Form>
void multiply_and_finish(const Plan& plan, float* scratch, const WinogradGradients& dw) {
  parallel_for(plan.slices * plan.panels, [&](std::int64_t task) {
    const std::int64_t slice_index = task / plan.panels, panel_index = task % plan.panels;
    const Part slice = plan.slice(slice_index), panel = plan.panel(panel_index);
    const std::int64_t step = slice.size * panel.size + cache_line_floats;
    const PanelSums sums = {thread_scratch(plan.filters * step), slice.begin, panel.size, step};
    for (std::int64_t filter = 0; filter < plan.filters; ++filter)
      multiply<Form>(plan, plan.tiles.count(), filter, slice_index, panel_index, false, scratch, sums);
    finish_filters<Form>(plan, panel, slice, sums, dw);
  });
}

template <class Form>
void run(const WinogradSource& source, const WinogradWork& work, const float* dy, float* scratch,
         const WinogradGradients& dw) {
  const Plan plan = make_plan(source, work);
  const auto transform = [&](const Part& block, float* to) {
    transform_block<Form>(plan, source, {dy, work.out_h, work.out_w, work.out_c}, block, to);
  };
  if (plan.finishes_at_once) {
    transform({0, plan.tiles.count()}, scratch);
    return multiply_and_finish<Form>(plan, scratch, dw);
  }
  float* sums = scratch;
  const auto run_group = [&](std::int64_t group, float* block_scratch) {
    const Part blocks = part_of(plan.blocks, plan.groups, group);
    for (std::int64_t i = 0; i < blocks.size; ++i) {
      const std::int64_t begin = (blocks.begin + i) * plan.block_tiles;
      const Part block = {begin, min64(plan.block_tiles, plan.tiles.count() - begin)};
      transform(block, block_scratch);
      add_products<Form>(plan, block.size, i == 0, block_scratch, sums + group * plan.group_sums);
    }
  };
  if (plan.is_shared) {
    for (std::int64_t group = 0; group < plan.groups; ++group) run_group(group, sums + plan.groups * plan.group_sums);
  } else {
    parallel_for(plan.groups, [&](std::int64_t group) { run_group(group, thread_scratch(plan.block_scratch())); });
  }
  parallel_for(ceil_div(source.c, finish_channels), [&](std::int64_t task) {
    const std::int64_t begin = task * finish_channels;
    for (std::int64_t index = 0; index < plan.panels; ++index) {
      const Part panel = plan.panel(index);
      finish_filters<Form>(plan, panel, {begin, min64(finish_channels, source.c - begin)},
                           sums_of_panel(plan, panel, sums), dw);
    }
  });
}

}  // namespace

std::int64_t winograd_weight_gradient_scratch(const WinogradSource& source, const WinogradWork& work) {
  const Plan plan = make_plan(source, work);
  if (plan.finishes_at_once) return plan.block_scratch();
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
