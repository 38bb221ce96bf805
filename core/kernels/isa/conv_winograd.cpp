// 3x3 convolution by minimal filtering (winograd_forms.h): fewer products, all of them matrix products.
//
//   M[k] (tiles x Cout) = sum of  V[value] (tiles x Cin) U[filter] (Cin x Cout)        Y = A' M A for each tile
//
// Order of work, for one block of tiles:
//   1. gather each tile's inputs and transform them: V, all input channels
//   2. for strips of tiles and panels of up to 64 output channels: the products into M, which stays in L2,
//   3. and from there the outputs, with bias, residual and activation
// Two sources (the decoder's upsampled features and its skip) take turns within a block: what the first makes is kept
// in the cache, tile by tile, until the second adds to it and stores the outputs.
//
// Threads take blocks. Where there are few, blocks are cut so that each thread has as much to do. Only where a thread
// would not have a strip of its own, or all filters are larger than the caches, threads share the steps of each block.
// Each output is computed alike in all.

#include "core/kernels/isa/kernels.h"
#include "core/kernels/isa/panel.h"
#include "core/kernels/isa/row_product.h"
#include "core/kernels/isa/transpose.h"
#include "core/kernels/isa/winograd_outputs.h"
#include "core/kernels/isa/winograd_tiles.h"
#include "core/kernels/scratch.h"
#include "core/parallel.h"

namespace weft::kernels::WEFT_ISA {
namespace {

// Tiles in a strip, multiples of all register tiles' rows. Few, so that V and M of up to 64 channels stay in L2
// (measured: 12 and 48 are slower); more from `many_channels` on, where a panel's filters come from L3 or memory for
// each strip.
constexpr std::int64_t short_strip = 24, long_strip = 72, many_channels = 192, few_channels = 32;
constexpr std::int64_t large_filters = 6 << 20;  // floats, about an L3: then a block has to be worth reading them
constexpr std::int64_t packing_ahead = 8;        // input channels whose filters are fetched before they are packed
constexpr std::int64_t blocks_per_thread = 6;    // fewer, and the last ones would keep some threads waiting
// Tiles whose sums (output_sums.h) go together: from the shape alone, unlike strips and blocks, which are multiples.
// Short parts cut few tiles evenly; of many, they would make more sums than are quickly joined.
constexpr std::int64_t short_part = 8, long_part = short_strip, few_tiles = 2048;

/// Packed filters: [panel][filter][input channel][panel's width], and a cache line after each filter's, which keeps
/// those of one input channel from falling into the same cache sets.
std::int64_t filter_step(std::int64_t c, const Panel& panel) { return c * panel.vectors * lanes + cache_line_floats; }

template <class Form>
std::int64_t packed_at(std::int64_t c, const Panel& panel) {
  return Form::filters * Form::filters * (panel.column * c + panel.index * cache_line_floats);
}

/// U = G g G' for input channel k and `vectors` vectors of output channels, `columns` of which exist, from `column` on.
/// What a call stores goes to as many places as there are filters. Whole cache lines go past the caches: otherwise each
/// would come from memory first, just to be overwritten.
template <class Form, int vectors>
void pack_filters(const WinogradFilters& f, std::int64_t k, std::int64_t column, std::int64_t columns, bool past_caches,
                  float* to, std::int64_t step) {
  constexpr int filters = Form::filters * Form::filters;
  Vec u[filters][vectors];
  for (int v = 0; v < vectors; ++v) {
    const float* from = f.w + (column + v * lanes) * f.step_n + k * f.step_k;
    for (std::int64_t n = 0; n < min64(columns - v * lanes, lanes); ++n)
      __builtin_prefetch(from + n * f.step_n + packing_ahead * f.step_k);
    Vec taps[9];
    load_filters(from, f.step_n, columns - v * lanes, taps);
    if (f.is_turned) {
      WEFT_UNROLL
      for (int tap = 0; tap < 4; ++tap) {
        const Vec later = taps[8 - tap];
        taps[8 - tap] = taps[tap], taps[tap] = later;
      }
    }
    const auto map = [](const Vec(&in)[3], Vec(&out)[Form::filters]) { Form::filter(in, out); };
    map_both_axes<3, Form::filters>([&](int i, int j) { return taps[3 * i + j]; }, map,
                                    [&](int i, int j, Vec filter) { u[filter_place<Form>(i, j)][v] = filter; });
  }
  for (int i = 0; i < filters; ++i, to += step) {
    WEFT_UNROLL
    for (int v = 0; v < vectors; ++v) {
      if (past_caches) {
        store_past_caches(to + v * lanes, u[i][v]);
      } else {
        store(to + v * lanes, u[i][v]);
      }
    }
  }
}

/// The filters of one panel and input channels [channels).
template <class Form>
void pack_panel(const WinogradFilters& f, std::int64_t c, std::int64_t out_c, const Panel& panel, const Part& channels,
                float* packed) {
  const std::int64_t width = panel.vectors * lanes, step = filter_step(c, panel);
  float* const to = packed + packed_at<Form>(c, panel);
  const auto pack = [&]<int vectors>(bool past_caches) {
    for (std::int64_t v = 0; v < width; v += vectors * lanes) {
      for (std::int64_t k = channels.begin; k < channels.begin + channels.size; ++k) {
        pack_filters<Form, vectors>(f, k, panel.column + v, out_c - panel.column - v, past_caches, to + k * width + v,
                                    step);
      }
    }
  };
  if (width % cache_line_floats == 0) {
    pack.template operator()<cache_line_floats / lanes>(reinterpret_cast<std::uintptr_t>(to) % 64 == 0);
  } else {
    pack.template operator()<1>(false);
  }
  stream_fence();
}

struct Plan {
  TileGrid tiles;
  std::int64_t part_tiles, parts;
  std::int64_t strip_tiles, block_tiles, blocks;  // tiles of a whole strip and of the largest block
  bool are_equal;                                 // blocks have as many parts, or one more
  std::int64_t value_floats, kept_floats;         // of a block's V, and of what its first source of two makes
  std::int64_t sum_floats;                        // of a strip's M
  bool is_shared;                                 // threads work on one block together

  std::int64_t block_floats() const { return value_floats + kept_floats; }

  /// The tiles of a block.
  Part block(std::int64_t index) const {
    const std::int64_t begin = are_equal ? parts * index / blocks * part_tiles : block_tiles * index;
    const std::int64_t end = are_equal ? parts * (index + 1) / blocks * part_tiles : begin + block_tiles;
    return {begin, min64(end, tiles.count()) - begin};
  }
};

Plan make_plan(const WinogradWork& work) {
  // Floats in a tile's V, matrices in V and in M, floats in all U, outputs of a tile along an axis.
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
  const std::int64_t threads = threads_to_share();
  Plan plan;
  plan.are_equal = false;
  plan.tiles = {work.images, ceil_div(work.out_h, out), ceil_div(work.out_w, out)};
  plan.part_tiles = plan.tiles.count() < few_tiles ? short_part : long_part;
  plan.parts = ceil_div(plan.tiles.count(), plan.part_tiles);
  const std::int64_t all_tiles = round_up(plan.tiles.count(), short_strip);
  // Threads share blocks or, within a block, strips and panels: long strips must leave enough of either.
  const bool is_busy_anyway = ceil_div(all_tiles, long_strip) >= blocks_per_thread * threads ||
                              panels_of(work.out_c, max_tile_vectors) >= threads;
  plan.strip_tiles = min64(most_channels >= many_channels && is_busy_anyway ? long_strip : short_strip, all_tiles);
  const auto set_block = [&](std::int64_t tiles) {
    plan.block_tiles = round_up(min64(tiles, all_tiles), plan.strip_tiles);
    plan.blocks = ceil_div(plan.tiles.count(), plan.block_tiles);
    plan.is_shared = plan.blocks < blocks_per_thread * threads;
  };
  const bool are_large = filters > large_filters;
  set_block(are_large ? 4 * short_strip : plan.strip_tiles);  // large: four short strips, or two long
  if (plan.is_shared && threads > 1) {
    if (!are_large && all_tiles >= threads * short_strip) {
      // As many blocks for each thread, of one strip. What a thread has transformed is in its own caches.
      plan.blocks = min64(plan.parts, round_up(plan.blocks, threads));
      plan.strip_tiles = plan.block_tiles = ceil_div(plan.parts, plan.blocks) * plan.part_tiles;
      plan.are_equal = true;
      plan.is_shared = false;
    } else {
      set_block(max64(4, 2 * threads) * short_strip);  // tasks for all of them in each of its steps
    }
  }
  plan.value_floats = values * plan.block_tiles + value_matrices * cache_line_floats;
  plan.kept_floats = work.source_count < 2 ? 0 : plan.block_tiles * out * out * round_up(work.out_c, lanes);
  plan.sum_floats =
      sums * TileMatrices::step_for(plan.strip_tiles, lanes * panel_of(work.out_c, max_tile_vectors, 0).vectors);
  return plan;
}

/// Everything that one call shares.
struct Convolution {
  const WinogradWork& work;
  const ConvEpilogue<float>& epilogue;
  const Plan& plan;
  const PartSums& sums;  // in parts of plan.part_tiles
  float* out;

  Outputs outputs() const {
    const std::int64_t count = work.images * work.out_h * work.out_w * work.out_c;
    return {out,
            work.out_h,
            work.out_w,
            work.out_c,
            epilogue.residual,
            epilogue.bias,
            Limits(epilogue.clamp),
            epilogue.residual != out && fills_lines_past_caches(out, count, work.out_c)};
  }
};

/// What the first of two sources makes of the tiles of a strip and a panel, one after another.
template <class Form>
struct KeptTiles {
  float* data;
  std::int64_t width;

  KeptTile operator[](std::int64_t row) const { return {data + row * Form::out * Form::out * width, width}; }
};

/// Whether a convolution may have a source of this form and another one (WinogradWork).
template <class Form>
constexpr bool may_meet_another = is_one_of<Form, SameForm, SameSixForm, UpsampledForm, UpsampledSixForm>;

struct NoTiles {
  NothingKept operator[](std::int64_t) const { return {}; }
};

/// The scratch memory of one block of tiles.
struct BlockScratch {
  float* values;  // V of one source
  float* kept;    // [panel][tile][pixel of the tile][panel's width]

  BlockScratch(const Plan& plan, float* begin) : values(begin), kept(begin + plan.value_floats) {}

  template <class Form>
  KeptTiles<Form> kept_tiles(const Part& block, const Panel& panel, std::int64_t first) const {
    const std::int64_t width = panel.vectors * lanes;
    return {kept + (panel.column * block.size + first * width) * Form::out * Form::out, width};
  }
};

/// Step 2 for the tiles of one strip, whose values are `values`, and one panel. Lines of `ahead` are fetched meanwhile.
template <class Form, class Ahead>
void make_sums(const WinogradSource& source, const Panel& panel, const TileMatrices& values, std::int64_t tiles,
               const TileMatrices& sums, Ahead& ahead) {
  std::int64_t offsets[Form::filters * Form::filters];
  for (int i = 0; i < Form::filters; ++i) {
    for (int j = 0; j < Form::filters; ++j)
      offsets[filter_place<Form>(i, j)] = (Form::value_of[i] * Form::values + Form::value_of[j]) * values.step;
  }
  const RunRowProduct run = row_product_function(panel.vectors, source.c >= many_channels);
  const float* packed = source.packed + packed_at<Form>(source.c, panel);
  const std::int64_t step = filter_step(source.c, panel);
  // Lines are fetched a few at a time, for each of a product's register tiles: many at once would wait for each other,
  // and the product for them. Not worth the calls where they are those of one image or a tile is soon done; and with
  // many channels the product itself fetches, filters, over all its rows.
  const std::int64_t piece = source.c >= many_channels || source.c <= few_channels || ahead.images() < 2
                                 ? tiles
                                 : tile_pixels(static_cast<int>(panel.vectors));
  const std::int64_t pieces = ceil_div(tiles, piece);
  for (int a = 0; a < Form::sums; ++a) {
    for (int b = 0; b < Form::sums; ++b) {
      const int first = sum_begin<Form>(a, b), product = a * Form::sums + b;
      const int taps =
          (Form::first_filter[a + 1] - Form::first_filter[a]) * (Form::first_filter[b + 1] - Form::first_filter[b]);
      for (std::int64_t i = 0; i < pieces; ++i) {
        ahead.fetch(min64(tiles, short_strip), Form::sums * Form::sums * pieces);
        run({values.row(i * piece), values.width, offsets + first, taps, source.c, packed + first * step, step,
             min64(piece, tiles - i * piece), sums.data + product * sums.step + i * piece * sums.width});
      }
    }
  }
}

/// Steps 2 and 3 for the tiles of one strip and one panel, the last source. `kept` is what the one before it made.
template <class Form, class Kept>
void store_strip(const Convolution& conv, const WinogradSource& source, const Part& strip, const Panel& panel,
                 const TileMatrices& values, const TileMatrices& sums, const Kept& kept) {
  const Outputs outputs = conv.outputs();
  const TileGrid& tiles = conv.plan.tiles;
  const std::int64_t part_tiles = conv.plan.part_tiles;
  OutputLines<Form, Form> ahead(outputs, tiles, strip.begin, panel.column, sums.width, conv.sums.gradient.x,
                                conv.sums.gradient.y);
  make_sums<Form>(source, panel, values, strip.size, sums, ahead);
  for (std::int64_t row = 0; row < strip.size; ++row) {
    // Those of a long strip would not all stay in L2 until they are wanted.
    if (row + short_strip < strip.size) ahead.fetch(1, 1);
    const std::int64_t tile = strip.begin + row, part = tile / part_tiles;
    const bool is_first = tile % part_tiles == 0;
    if (is_first && panel.column == 0 && conv.sums.pixels != nullptr) {
      conv.sums.pixels[part] = pixels_of<Form, Form>(outputs, tiles, {tile, min64(part_tiles, tiles.count() - tile)});
    }
    store_tile<Form, Form>(outputs, tiles.place(tile), panel.column, sums.width, sums, row, kept[row],
                           sums_of_part(conv.sums, part, 0, is_first));
  }
  if (outputs.past_caches) stream_fence();
}

/// Steps 2 and 3 for a strip of `tiles` tiles and one panel, the first source of two.
template <class Form>
void keep_strip(const WinogradSource& source, std::int64_t tiles, const Panel& panel, const TileMatrices& values,
                const TileMatrices& sums, const KeptTiles<Form>& kept) {
  NoLines none;
  make_sums<Form>(source, panel, values, tiles, sums, none);
  for (std::int64_t row = 0; row < tiles; ++row) keep_tile<Form, Form>(sums, row, kept[row]);
}

/// All three steps for one block and one source.
template <class Form>
void run_block(const Convolution& conv, std::int64_t source_index, const Part& block, const BlockScratch& scratch) {
  const Plan& plan = conv.plan;
  const WinogradSource& source = conv.work.sources[source_index];
  const Picture picture = {source.data, source.h, source.w, source.c, source.first_row};
  const std::int64_t width = round_up(source.c, lanes);
  const TileMatrices values = {scratch.values, width, TileMatrices::step_for(block.size, width)};
  constexpr std::int64_t chunk = 8;
  parallel_for(ceil_div(block.size, chunk), [&](std::int64_t task) {
    for (std::int64_t tile = task * chunk; tile < min64(block.size, (task + 1) * chunk); ++tile)
      transform_input<Form>(picture, source.norm, plan.tiles.place(block.begin + tile), source.padding, source.c, tile,
                            values);
  });
  const std::int64_t panels = panels_of(conv.work.out_c, max_tile_vectors);
  parallel_for(panels * ceil_div(block.size, plan.strip_tiles), [&](std::int64_t task) {
    const std::int64_t begin = task / panels * plan.strip_tiles, size = min64(plan.strip_tiles, block.size - begin);
    const Panel panel = panel_of(conv.work.out_c, max_tile_vectors, task % panels);
    const std::int64_t panel_width = panel.vectors * lanes;
    const TileMatrices strip_values = {values.row(begin), values.width, values.step};
    const std::int64_t sums_at = plan.is_shared ? 0 : plan.block_floats();
    const TileMatrices sums = {thread_scratch(sums_at + plan.sum_floats) + sums_at, panel_width,
                               TileMatrices::step_for(size, panel_width)};
    const Part strip = {block.begin + begin, size};
    if constexpr (may_meet_another<Form>) {
      const auto kept = scratch.template kept_tiles<Form>(block, panel, begin);
      if (source_index + 1 < conv.work.source_count)
        return keep_strip<Form>(source, size, panel, strip_values, sums, kept);
      if (source_index > 0) return store_strip<Form>(conv, source, strip, panel, strip_values, sums, kept);
    }
    store_strip<Form>(conv, source, strip, panel, strip_values, sums, NoTiles{});
  });
}

}  // namespace

std::int64_t winograd_tile(WinogradForm form) {
  std::int64_t tile = 0;
  with_form(form, [&](auto f) { tile = decltype(f)::out; });
  return tile;
}

std::int64_t winograd_packed_floats(WinogradForm form, std::int64_t c, std::int64_t out_c) {
  std::int64_t filters = 0;
  with_form(form, [&](auto f) { filters = decltype(f)::filters * decltype(f)::filters; });
  return filters * (c * round_up(out_c, lanes) + panels_of(out_c, max_tile_vectors) * cache_line_floats);
}

void winograd_pack(WinogradForm form, std::int64_t c, std::int64_t out_c, const WinogradFilters& filters,
                   float* packed) {
  with_form(form, [&](auto f) {
    using Form = decltype(f);
    constexpr std::int64_t chunk = 32;
    const std::int64_t panels = panels_of(out_c, max_tile_vectors);
    parallel_for(panels * ceil_div(c, chunk), [&](std::int64_t task) {
      const std::int64_t first = task / panels * chunk;
      pack_panel<Form>(filters, c, out_c, panel_of(out_c, max_tile_vectors, task % panels),
                       {first, min64(chunk, c - first)}, packed);
    });
  });
}

std::int64_t winograd_scratch(const WinogradWork& work) {
  const Plan plan = make_plan(work);
  return plan.is_shared ? plan.block_floats() : 0;
}

void winograd_convolve(const WinogradWork& work, const ConvEpilogue<float>& epilogue, float* scratch, float* out) {
  const Plan plan = make_plan(work);
  const PartSums sums = begin_sums(epilogue.sums, plan.parts);
  const Convolution conv = {work, epilogue, plan, sums, out};
  const auto run = [&](std::int64_t index, float* begin) {
    const Part block = plan.block(index);
    const BlockScratch scratch_of_block(plan, begin);
    for (std::int64_t s = 0; s < work.source_count; ++s)
      with_form(work.sources[s].form, [&](auto form) { run_block<decltype(form)>(conv, s, block, scratch_of_block); });
  };
  if (plan.is_shared) {
    for (std::int64_t block = 0; block < plan.blocks; ++block) run(block, scratch);
  } else {
    parallel_for(plan.blocks,
                 [&](std::int64_t block) { run(block, thread_scratch(plan.block_floats() + plan.sum_floats)); });
  }
}

}  // namespace weft::kernels::WEFT_ISA
