// Depthwise convolution and its input gradient: one filter per channel, so channels fill the vectors and nothing is a
// matrix product.
//
//   out[pixel, c] = sum over taps of source[pixel + tap, c] w[tap, c]
//
// About 9 multiply-adds meet 2 numbers from memory, so the point is to pass over each image once. Order of work:
//
//   tasks: some rows of the output
//     rows, with all phases that have pixels in it (conv_grids.h): each line of the source is near when phases share it
//       runs of 8 neighbouring pixels, at the border of 1
//         16 channels at a time: the sums of 8 pixels in registers
//
// Where the source has to be made first (core/kernels/pixel_source.h), a task makes a row when the first output needs
// it, into a ring of as many rows as the taps span: only the ring has to stay in L2.
//
// Taps that lie side by side share what they load: of three, 8 pixels need 10 source pixels, not 24. Meanwhile the
// source row that the next output row adds is fetched (LinesAhead).

#include "core/kernels/isa/depthwise_rows.h"
#include "core/kernels/isa/kernels.h"
#include "core/kernels/isa/limits.h"
#include "core/kernels/isa/near_pixels.h"
#include "core/kernels/isa/store_sums.h"
#include "core/parallel.h"

namespace weft::kernels::WEFT_ISA {
namespace {

/// Neighbouring pixels of a phase's row.
struct Run {
  const LiveTap* taps;
  std::int64_t tap_count;
  std::int64_t source_step;  // floats from one source pixel that is met to the next
  std::int64_t out_step;     // and from output to output
  std::int64_t channels;
  const float* bias;  // or null
  Clamp clamp;
  const float* residual;  // at the first pixel, or null
  bool past_caches;       // see belongs_past_caches
  float* out;
  StoreSums* statistics;
};

/// What becomes of a run's sums. Each question is asked once for all of its pixels.
template <int pixels, bool is_whole>
WEFT_ALWAYS_INLINE void finish(const Run& run, Vec (&sums)[pixels], Lanes<is_whole> part, std::int64_t c) {
  if (run.bias != nullptr) {
    const Vec bias = part.load_from(run.bias + c);
    WEFT_UNROLL
    for (int p = 0; p < pixels; ++p) sums[p] += bias;
  }
  if (run.residual != nullptr) {
    const float* residual = run.residual + c;
    WEFT_UNROLL
    for (int p = 0; p < pixels; ++p, residual = next_place(residual, run.out_step)) sums[p] += part.load_from(residual);
  }
  if (has_bounds(run.clamp)) {
    const Limits limits(run.clamp);
    WEFT_UNROLL
    for (int p = 0; p < pixels; ++p) sums[p] = clamp(sums[p], limits.low, limits.high);
  }
  if (run.statistics->are_wanted()) take_statistics(*run.statistics, c, sums);
  const auto store_all = [&](auto store_at) {
    float* out = run.out + c;
    WEFT_UNROLL
    for (int p = 0; p < pixels; ++p, out = next_place(out, run.out_step)) store_at(out, sums[p]);
  };
  if (run.past_caches) {
    store_all([](float* to, Vec sum) { store_past_caches(to, sum); });
  } else {
    store_all([&](float* to, Vec sum) { part.store_to(to, sum); });
  }
}

/// The channels from c on that fill the lanes. Taps lie side by side in groups of `size`; `step` source pixels lie
/// between the first taps of neighbouring pixels.
template <int size, int step, int pixels, bool is_whole>
WEFT_ALWAYS_INLINE void run_channels(const Run& run, Lanes<is_whole> part, std::int64_t c) {
  Vec sums[pixels] = {};
  for (std::int64_t tap = 0; tap < run.tap_count; tap += size) {
    Vec weights[size];
    WEFT_UNROLL
    for (int v = 0; v < size; ++v) weights[v] = load(run.taps[tap + v].values + c);
    for_each_meeting<size, step, pixels>(part, run.taps[tap].source + c, run.source_step,
                                         [&](int p, int v, Vec x) { sums[p] += x * weights[v]; });
  }
  finish(run, sums, part, c);
}

// Not inlined, as are its equals: together they would leave the compiler too few registers for the pointers.
template <int size, int step, int pixels>
__attribute__((noinline)) void run_all_channels(const Run& run, LinesAhead& ahead) {
  for_each_vector(run.channels, [&](auto part, std::int64_t c) {
    ahead.fetch();
    run_channels<size, step, pixels>(run, part, c);
  });
}

using RunAllChannels = void (*)(const Run&, LinesAhead&);

/// The functions for runs of 8, 4, 2 and 1 pixels.
template <int size, int step>
constexpr RunAllChannels functions_of[] = {run_all_channels<size, step, 8>, run_all_channels<size, step, 4>,
                                           run_all_channels<size, step, 2>, run_all_channels<1, 1, 1>};

// Tasks that make their source: each makes up to two rows that its neighbour makes, too.
constexpr std::int64_t most_made_rows = 32, least_made_tasks = 16;

/// Everything that the tasks of a call share.
struct Work {
  const TapGrid* phases;
  std::int64_t phase_count;
  const float* source;  // in memory, also where it is only what the source is made from
  const ConvEpilogue<float>& epilogue;
  float* filters;  // [phase][tap][padded channels]
  bool past_caches;
  float* out;

  const TapGrid& image() const { return phases[0]; }  // all phases share the images
  std::int64_t rows() const { return image().images * image().out_h; }
};

/// A phase, and what follows from where its taps lie.
struct Phase {
  const TapGrid& grid;
  float* filters;  // [tap][padded channels]
  Columns inner;
  std::int64_t source_step;
  const RunAllChannels* functions;

  Phase(const TapGrid& g, float* phase_filters)
      : grid(g), filters(phase_filters), inner(inner_columns(g)), source_step(g.source_c) {
    if (g.step_w <= 2 && are_side_by_side(g, 3)) {
      functions = g.step_w == 1 ? functions_of<3, 1> : functions_of<3, 2>;
    } else if (g.step_w == 1 && are_side_by_side(g, 2)) {
      functions = functions_of<2, 1>;
    } else {
      functions = functions_of<1, 1>;
      source_step *= g.step_w;
    }
  }
};

/// Row i of a phase.
void run_phase_row(const Work& work, const SourceRows& source, const Phase& phase, std::int64_t image, std::int64_t i,
                   StoreSums& statistics, LinesAhead& ahead, LiveTap* live) {
  const TapGrid& g = phase.grid;
  const ConvEpilogue<float>& end = work.epilogue;
  const std::int64_t out_row = (image * g.out_h + g.out_row + i * g.out_step_h) * g.out_w + g.out_col;
  const std::int64_t out_step = g.out_step_w * g.out_c;
  Run run = {live,           0,       phase.source_step, out_step, g.out_c,    end.bias,
             end.clamp, nullptr, work.past_caches,  nullptr,  &statistics};
  for (std::int64_t j = 0; j < g.grid_w;) {
    const std::int64_t at = out_row * g.out_c + j * out_step;
    run.out = work.out + at;
    run.residual = end.residual != nullptr ? end.residual + at : nullptr;
    const bool is_inner = j >= phase.inner.begin && j < phase.inner.end;
    if (!is_inner || j == phase.inner.begin)
      run.tap_count = find_live_taps(g, source, image, i, j, phase.filters, padded_channels(g), live);
    const std::int64_t left = is_inner ? phase.inner.end - j : 1;
    const int function = left >= 8 ? 0 : left >= 4 ? 1 : left >= 2 ? 2 : 3;
    const std::int64_t pixels = run_pixels >> function;
    phase.functions[function](run, ahead);
    statistics.is_first = false;
    if (is_inner) move_right(live, run.tap_count, pixels * g.step_w * g.source_c);
    j += pixels;
  }
}

/// Row `row` of all images' rows.
void run_row(const Work& work, const SourceRows& source, std::int64_t row, StoreSums& statistics, LiveTap* live) {
  const std::int64_t image = row / work.image().out_h, out_row = row % work.image().out_h;
  const auto has_pixels = [&](const TapGrid& g) { return out_row % g.out_step_h == g.out_row; };
  std::int64_t calls = 0;
  for (std::int64_t p = 0; p < work.phase_count; ++p) {
    const TapGrid& g = work.phases[p];
    if (has_pixels(g)) calls += row_calls(g, run_pixels);
  }
  LinesAhead ahead = source_rows_ahead(work.phases, work.phase_count, row, work.source, calls);
  float* filters = work.filters;
  for (std::int64_t p = 0; p < work.phase_count; ++p) {
    const TapGrid& g = work.phases[p];
    if (has_pixels(g))
      run_phase_row(work, source, Phase(g, filters), image, out_row / g.out_step_h, statistics, ahead, live);
    filters += g.tap_count * padded_channels(g);
  }
}

void pack_filters(const TapGrid& g, const float* w, float* packed) {
  for (std::int64_t tap = 0; tap < g.tap_count; ++tap) {
    for (std::int64_t c = 0; c < padded_channels(g); ++c)
      *packed++ = c < g.out_c ? w[g.taps[tap].weight + c * g.weight_step_n] : 0;
  }
}

/// Tasks of `task` rows; run_rows(begin, end, statistics) does one.
template <class RunRows>
void run_tasks(const Work& work, std::int64_t task, RunRows&& run_rows) {
  const std::int64_t rows = work.rows();
  const PartSums sums = begin_sums(work.epilogue.sums, ceil_div(rows, task));  // statistics, always
  parallel_chunks(rows, task, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t part = begin / task;
    if (sums.pixels != nullptr) sums.pixels[part] = (end - begin) * work.image().out_w;
    StoreSums statistics = sums_of_part(sums, part, 0, true);
    run_rows(begin, end, statistics);
    stream_fence();
  });
}

bool goes_past_caches(const TapGrid& image, const float* out) {
  const std::int64_t count = image.images * image.out_h * image.out_w * image.out_c;
  return belongs_past_caches(out, count, image.out_c, larger_than_l2);
}

}  // namespace

void depthwise_taps(const TapGrid* phases, std::int64_t count, const float* source, const float* w,
                    const ConvEpilogue<float>& epilogue, float* packed, float* out) {
  const Work work = {phases, count, source, epilogue, packed, goes_past_caches(*phases, out), out};
  std::int64_t products = 0, most_taps = 1;  // products of one image
  for (const TapGrid* g = phases; g < phases + count; ++g) {
    pack_filters(*g, w, packed);
    packed += g->tap_count * padded_channels(*g);
    products += g->grid_h * g->grid_w * g->tap_count * g->out_c;
    most_taps = max64(most_taps, g->tap_count);
  }
  const SourceRows source_rows = rows_in_memory(*phases, source);
  const std::int64_t task = task_rows(work.rows(), products / max64(1, work.image().out_h), 32);
  run_tasks(work, task, [&](std::int64_t begin, std::int64_t end, StoreSums& statistics) {
    LiveTap* live = live_tap_scratch(most_taps);
    for (std::int64_t row = begin; row < end; ++row) run_row(work, source_rows, row, statistics, live);
  });
}

void depthwise_forward(const TapGrid& g, const PixelSource& x, const float* w, const ConvEpilogue<float>& epilogue,
                       float* packed, float* y) {
  if (x.kind == PixelSource::Kind::stored) return depthwise_taps(&g, 1, x.values, w, epilogue, packed, y);
  const Work work = {&g, 1, x.norm.x, epilogue, packed, goes_past_caches(g, y), y};
  pack_filters(g, w, packed);
  const std::int64_t row_floats = g.source_w * g.source_c;
  const std::int64_t slot = ceil_div(row_floats, cache_line_floats) * cache_line_floats;
  const std::int64_t slots = g.taps[g.tap_count - 1].row - g.taps[0].row + 1;
  const std::int64_t task = max64(1, min64(most_made_rows, work.rows() / least_made_tasks));
  run_tasks(work, task, [&](std::int64_t begin, std::int64_t end, StoreSums& statistics) {
    float* ring = thread_scratch(slots * slot + live_tap_floats(g.tap_count));
    LiveTap* live = reinterpret_cast<LiveTap*>(ring + slots * slot);
    std::int64_t made = 0;  // rows up to here
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t needed = source_rows_end(&g, 1, row);
      for (made = max64(made, source_rows_begin(g, row)); made < needed; ++made)
        near_pixels(x, made * g.source_w, g.source_w, ring + made % slots * slot);
      run_row(work, {ring, slot, slots}, row, statistics, live);
    }
  });
}

}  // namespace weft::kernels::WEFT_ISA
