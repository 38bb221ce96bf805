// 3x3 convolution by minimal filtering (winograd_forms.h): fewer products, all of them matrix products.
//
//   M[k] (tiles x Cout) = sum of  V[value] (tiles x Cin) U[filter] (Cin x Cout)        Y = A' M A for each tile
//
// Order of work, for one block of tiles:
//   1. gather each tile's inputs and transform them: V, all input channels
//   2. for strips of tiles and panels of up to 64 output channels: the products into M, which stays in L2,
//   3. and from there the outputs, with bias, residual and activation
// Two sources (the decoder's upsampled features and its skip) take turns within a block: the second adds to the
// outputs that the first has just left in the cache.
//
// Where there are many blocks, threads take blocks; where there are few, they share the steps of each block. Each
// output is computed alike in both.

#include "core/kernels/isa/kernels.h"
#include "core/kernels/isa/panel.h"
#include "core/kernels/isa/row_product.h"
#include "core/kernels/isa/winograd_outputs.h"
#include "core/kernels/isa/winograd_tiles.h"
#include "core/kernels/scratch.h"
#include "core/parallel.h"

namespace weft::kernels::WEFT_ISA {
namespace {

// Tiles in a strip, multiples of all register tiles' rows. Few, so that V and M of up to 64 channels stay in L2
// (measured: 12 and 48 are slower); more from `many_channels` on, where a panel's filters come from L3 or memory for
// each strip.
constexpr std::int64_t short_strip = 24, long_strip = 72, many_channels = 192;
constexpr std::int64_t large_filters = 6 << 20;  // floats, about an L3: then a block has to be worth reading them
constexpr std::int64_t packed_ahead = 128;       // floats of a filter, fetched before they are stored
constexpr std::int64_t blocks_per_thread = 6;    // fewer, and the last ones would keep some threads waiting

std::int64_t round_up(std::int64_t count, std::int64_t unit) { return ceil_div(count, unit) * unit; }

/// Packed filters: [panel][filter][input channel][panel's width], and a cache line after each filter's, which keeps
/// those of one input channel from falling into the same cache sets.
std::int64_t filter_step(std::int64_t c, const Panel& panel) { return c * panel.vectors * lanes + cache_line_floats; }

template <class Form>
std::int64_t packed_at(std::int64_t c, const Panel& panel) {
  return Form::filters * Form::filters * (panel.column * c + panel.index * cache_line_floats);
}

/// U = G g G' for input channel k and up to `lanes` output channels from `column` on. What a call stores goes to as
/// many places as there are filters, too many for the processor to foresee: each call fetches those of a later one.
template <class Form>
void pack_filters(const WinogradFilters& f, std::int64_t k, std::int64_t column, std::int64_t columns, float* to,
                  std::int64_t step) {
  for (int i = 0; i < Form::filters * Form::filters; ++i) __builtin_prefetch(to + i * step + packed_ahead, 1);
  float taps[9][lanes];
  for (std::int64_t n = 0; n < lanes; ++n) {
    const float* from = f.w + (column + n) * f.step_n + k * f.step_k;
    for (int tap = 0; tap < 9; ++tap) taps[tap][n] = n < columns ? from[f.is_turned ? 8 - tap : tap] : 0;
  }
  const auto load_at = [&](int i, int j) { return load(taps[3 * i + j]); };
  const auto map = [](const Vec(&in)[3], Vec(&out)[Form::filters]) { Form::filter(in, out); };
  map_both_axes<3, Form::filters>(load_at, map,
                                  [&](int i, int j, Vec u) { store(to + filter_place<Form>(i, j) * step, u); });
}

struct Plan {
  TileGrid tiles;
  std::int64_t strip_tiles, block_tiles, blocks;
  std::int64_t value_floats, sum_floats;  // of a block's V, a strip's M
  bool is_shared;                         // threads work on one block together
};

Plan make_plan(const WinogradWork& work) {
  // Floats in a tile's V, matrices in V and in M, floats in all U.
  std::int64_t values = 0, value_matrices = 0, sums = 0, filters = 0, out = 0;
  std::int64_t most_channels = 0;
  for (std::int64_t s = 0; s < work.source_count; ++s) {
    const std::int64_t channels = work.sources[s].c;
    most_channels = max64(most_channels, channels);
    with_form(work.sources[s].form, [&](auto form) {
      using Form = decltype(form);
      values = max64(values, Form::values * Form::values * round_up(channels, lanes));
      value_matrices = max64(value_matrices, Form::values * Form::values);
      sums = max64(sums, Form::sums * Form::sums);
      filters += Form::filters * Form::filters * channels * work.out_c;
      out = Form::out;
    });
  }
  Plan plan;
  plan.tiles = {work.images, ceil_div(work.out_h, out), ceil_div(work.out_w, out)};
  const std::int64_t all_tiles = round_up(plan.tiles.count(), short_strip);
  // Threads share blocks or, within a block, strips and panels: long strips must leave enough of either.
  const bool is_busy_anyway = ceil_div(all_tiles, long_strip) >= blocks_per_thread * num_threads() ||
                              panels_of(work.out_c, max_tile_vectors) >= num_threads();
  plan.strip_tiles = min64(most_channels >= many_channels && is_busy_anyway ? long_strip : short_strip, all_tiles);
  const auto set_block = [&](std::int64_t tiles) {
    plan.block_tiles = round_up(min64(tiles, all_tiles), plan.strip_tiles);
    plan.blocks = ceil_div(plan.tiles.count(), plan.block_tiles);
    plan.is_shared = plan.blocks < blocks_per_thread * num_threads();
  };
  set_block(filters > large_filters ? 4 * short_strip : plan.strip_tiles);  // large: four short strips, or two long
  // Threads that share a block need tasks for all of them in each of its steps.
  if (plan.is_shared && num_threads() > 1) set_block(max64(4, 2 * num_threads()) * short_strip);
  plan.value_floats = values * plan.block_tiles + value_matrices * cache_line_floats;
  plan.sum_floats =
      sums * TileMatrices::step_for(plan.strip_tiles, lanes * panel_of(work.out_c, max_tile_vectors, 0).vectors);
  return plan;
}

/// Everything that one call shares.
struct Convolution {
  const WinogradWork& work;
  const ConvEpilogue<float>& epilogue;
  const Plan& plan;
  const PartSums& sums;  // in parts of a short strip's tiles, whatever the strips
  float* out;

  /// What becomes of the outputs of one source. What the next one adds to had better stay near.
  Outputs outputs(std::int64_t source) const {
    const bool is_last = source + 1 == work.source_count;
    const std::int64_t count = work.images * work.out_h * work.out_w * work.out_c;
    return {out,
            work.out_h,
            work.out_w,
            work.out_c,
            source == 0 ? epilogue.residual : out,
            is_last ? epilogue.bias : nullptr,
            Limits(is_last ? epilogue.activation : Activation::none),
            is_last && epilogue.residual != out && fills_lines_past_caches(out, count, work.out_c)};
  }
};

/// Steps 2 and 3 for tiles [strip] of a block and one panel.
template <class Form>
void run_strip(const Convolution& conv, std::int64_t source_index, const Part& block, const Part& strip,
               const Panel& panel, const TileMatrices& values) {
  const WinogradSource& source = conv.work.sources[source_index];
  const std::int64_t width = panel.vectors * lanes;
  const std::int64_t rows = round_up(strip.size, tile_pixels(static_cast<int>(panel.vectors)));
  float* scratch = thread_scratch(conv.plan.value_floats + conv.plan.sum_floats) + conv.plan.value_floats;
  const TileMatrices sums = {scratch, width, TileMatrices::step_for(rows, width)};

  std::int64_t offsets[Form::filters * Form::filters];
  for (int i = 0; i < Form::filters; ++i) {
    for (int j = 0; j < Form::filters; ++j)
      offsets[filter_place<Form>(i, j)] = (Form::value_of[i] * Form::values + Form::value_of[j]) * values.step;
  }
  const RunRowProduct run = row_product_function(panel.vectors, source.c >= many_channels);
  const float* packed = source.packed + packed_at<Form>(source.c, panel);
  const std::int64_t step = filter_step(source.c, panel);
  const bool is_last = source_index + 1 == conv.work.source_count;
  const PartSums part_sums = is_last ? conv.sums : PartSums{};
  const Outputs outputs = conv.outputs(source_index);
  const OutputLines<Form, Form> ahead{outputs,
                                      conv.plan.tiles,
                                      {block.begin + strip.begin, strip.size},
                                      panel.column,
                                      width,
                                      part_sums.gradient.x,
                                      part_sums.gradient.y};
  // Lines are fetched a few at a time, for each of a product's register tiles: many at once would wait for each other,
  // and the product for them. With many channels the product itself fetches, filters, over all its rows.
  const std::int64_t piece = source.c >= many_channels ? rows : tile_pixels(static_cast<int>(panel.vectors));
  const std::int64_t pieces = rows / piece;
  for (int a = 0; a < Form::sums; ++a) {
    for (int b = 0; b < Form::sums; ++b) {
      const int first = sum_begin<Form>(a, b), product = a * Form::sums + b;
      const int taps =
          (Form::first_filter[a + 1] - Form::first_filter[a]) * (Form::first_filter[b + 1] - Form::first_filter[b]);
      for (std::int64_t i = 0; i < pieces; ++i) {
        ahead.fetch(min64(strip.size, short_strip), product * pieces + i, Form::sums * Form::sums * pieces);
        run({values.row(strip.begin + i * piece), values.width, offsets + first, taps, source.c, packed + first * step,
             step, piece, sums.data + product * sums.step + i * piece * width});
      }
    }
  }
  for (std::int64_t row = 0; row < strip.size; ++row) {
    // Those of a long strip would not all stay in L2 until they are wanted.
    if (row + short_strip < strip.size) ahead.fetch_tile(row + short_strip);
    const std::int64_t tile = block.begin + strip.begin + row, part = tile / short_strip;
    const bool is_first = tile % short_strip == 0;
    if (is_first && panel.column == 0 && part_sums.pixels != nullptr) {
      part_sums.pixels[part] =
          pixels_of<Form, Form>(outputs, conv.plan.tiles, {tile, min64(short_strip, conv.plan.tiles.count() - tile)});
    }
    store_tile<Form, Form>(outputs, conv.plan.tiles.place(tile), panel.column, width, sums, row,
                           sums_of_part(part_sums, part, 0, is_first));
  }
  if (outputs.past_caches) stream_fence();
}

/// All three steps for one block and one source. `scratch` holds V.
template <class Form>
void run_block(const Convolution& conv, std::int64_t source_index, const Part& block, float* scratch) {
  const WinogradSource& source = conv.work.sources[source_index];
  const Picture picture = {source.data, source.h, source.w, source.c};
  const std::int64_t strip_tiles = conv.plan.strip_tiles;
  const std::int64_t width = round_up(source.c, lanes), rows = round_up(block.size, short_strip);
  const TileMatrices values = {scratch, width, TileMatrices::step_for(rows, width)};
  constexpr std::int64_t chunk = 8;
  parallel_for(ceil_div(rows, chunk), [&](std::int64_t task) {
    for (std::int64_t tile = task * chunk; tile < min64(rows, (task + 1) * chunk); ++tile) {
      if (tile < block.size) {
        transform_input<Form>(picture, conv.plan.tiles.place(block.begin + tile), source.padding, tile, values);
      } else {
        for (std::int64_t i = 0; i < Form::values * Form::values; ++i) {
          for (std::int64_t k = 0; k < width; k += lanes) store(values.row(tile) + i * values.step + k, Vec{});
        }
      }
    }
  });
  const std::int64_t panels = panels_of(conv.work.out_c, max_tile_vectors), strips = ceil_div(block.size, strip_tiles);
  parallel_for(panels * strips, [&](std::int64_t task) {
    const std::int64_t begin = task / panels * strip_tiles;
    run_strip<Form>(conv, source_index, block, {begin, min64(strip_tiles, block.size - begin)},
                    panel_of(conv.work.out_c, max_tile_vectors, task % panels), values);
  });
}

}  // namespace

std::int64_t winograd_packed_floats(WinogradForm form, std::int64_t c, std::int64_t out_c) {
  std::int64_t filters = 0;
  with_form(form, [&](auto f) { filters = decltype(f)::filters * decltype(f)::filters; });
  return filters * (c * round_up(out_c, lanes) + panels_of(out_c, max_tile_vectors) * cache_line_floats);
}

void winograd_pack(WinogradForm form, std::int64_t c, std::int64_t out_c, const WinogradFilters& filters,
                   float* packed) {
  with_form(form, [&](auto f) {
    using Form = decltype(f);
    constexpr std::int64_t chunk = 8;
    parallel_for(panels_of(out_c, max_tile_vectors) * ceil_div(c, chunk), [&](std::int64_t task) {
      const Panel panel = panel_of(out_c, max_tile_vectors, task % panels_of(out_c, max_tile_vectors));
      const std::int64_t width = panel.vectors * lanes, first = task / panels_of(out_c, max_tile_vectors) * chunk;
      float* const to = packed + packed_at<Form>(c, panel);
      for (std::int64_t v = 0; v < width; v += lanes) {
        for (std::int64_t k = first; k < min64(c, first + chunk); ++k) {
          pack_filters<Form>(filters, k, panel.column + v, out_c - panel.column - v, to + k * width + v,
                             filter_step(c, panel));
        }
      }
    });
  });
}

std::int64_t winograd_scratch(const WinogradWork& work) {
  const Plan plan = make_plan(work);
  return plan.is_shared ? plan.value_floats : 0;
}

void winograd_convolve(const WinogradWork& work, const ConvEpilogue<float>& epilogue, float* scratch, float* out) {
  const Plan plan = make_plan(work);
  const PartSums sums = begin_sums(epilogue.sums, ceil_div(plan.tiles.count(), short_strip));
  const Convolution conv = {work, epilogue, plan, sums, out};
  const auto run = [&](std::int64_t index, float* values) {
    const std::int64_t begin = index * plan.block_tiles;
    const Part block = {begin, min64(plan.block_tiles, plan.tiles.count() - begin)};
    for (std::int64_t s = 0; s < work.source_count; ++s)
      with_form(work.sources[s].form, [&](auto form) { run_block<decltype(form)>(conv, s, block, values); });
  };
  if (plan.is_shared) {
    for (std::int64_t block = 0; block < plan.blocks; ++block) run(block, scratch);
  } else {
    parallel_for(plan.blocks,
                 [&](std::int64_t block) { run(block, thread_scratch(plan.value_floats + plan.sum_floats)); });
  }
}

}  // namespace weft::kernels::WEFT_ISA
