// Weight gradient of a depthwise convolution.
//
//   dw[tap, c] = sum over pixels of x[pixel + tap, c] dy[pixel, c]
//
// The forward pass with two parts exchanged (conv_depthwise.cpp): the sums of up to 9 taps are in registers, and 8
// pixels of dy meet the source pixels of each row of taps, each of which is loaded once. After a run the sums go
// back to the first-level cache.

#include "core/kernels/isa/depthwise_rows.h"
#include "core/kernels/isa/kernels.h"
#include "core/parallel.h"

namespace weft::kernels::WEFT_ISA {
namespace {

constexpr int block_pixels = vector_registers == 32 ? 8 : 4;  // whose dy fit in registers beside 9 sums

/// Pixels of a run: the sums are loaded and stored once for it. Where pixels are narrow, a long run touches few lines.
std::int64_t run_length(const TapGrid& g) { return run_pixels * max64(1, 128 / g.out_c); }

/// Neighbouring pixels of one row.
struct Run {
  const LiveTap* taps;
  std::int64_t tap_count;
  const float* dy;
  std::int64_t x_step, dy_step;  // floats from one source pixel that is met to the next, and from dy to dy
  std::int64_t pixels, channels;
};

/// sums += x dy for `pixels` pixels, groups of `size` taps side by side, and `step` source pixels between the first
/// taps of neighbouring pixels; x[group] and dy are moved on.
template <int groups, int size, int step, int pixels, bool is_whole>
WEFT_ALWAYS_INLINE void add_pixels(const Run& run, Lanes<is_whole> part, const float* (&x)[groups], const float*& dy,
                                   Vec (&sums)[groups][size]) {
  Vec gradients[pixels];
  WEFT_UNROLL
  for (int p = 0; p < pixels; ++p, dy = next_place(dy, run.dy_step))
    gradients[p] = kept_in_register(part.load_from(dy));
  WEFT_UNROLL
  for (int group = 0; group < groups; ++group) {
    for_each_meeting<size, step, pixels>(part, x[group], run.x_step,
                                         [&](int p, int v, Vec value) { sums[group][v] += value * gradients[p]; });
    x[group] += pixels * step * run.x_step;
  }
}

/// The channels from c on that fill the lanes.
template <int groups, int size, int step, bool is_whole>
WEFT_ALWAYS_INLINE void add_channels(const Run& run, const LiveTap* taps, Lanes<is_whole> part, std::int64_t c) {
  Vec sums[groups][size];
  const float* x[groups];
  WEFT_UNROLL
  for (int group = 0; group < groups; ++group) {
    x[group] = taps[group * size].source + c;
    WEFT_UNROLL
    for (int v = 0; v < size; ++v) sums[group][v] = load(taps[group * size + v].values + c);
  }
  const float* dy = run.dy + c;
  std::int64_t left = run.pixels;
  for (; left >= block_pixels; left -= block_pixels)
    add_pixels<groups, size, step, block_pixels>(run, part, x, dy, sums);
  for (; left > 0; --left) add_pixels<groups, size, step, 1>(run, part, x, dy, sums);
  WEFT_UNROLL
  for (int group = 0; group < groups; ++group) {
    WEFT_UNROLL
    for (int v = 0; v < size; ++v) store(taps[group * size + v].values + c, sums[group][v]);
  }
}

template <int groups, int size, int step>
__attribute__((noinline)) void add_all_channels(const Run& run, const LiveTap* taps, LinesAhead& x_ahead,
                                                LinesAhead& dy_ahead) {
  for_each_vector(run.channels, [&](auto part, std::int64_t c) {
    x_ahead.fetch();
    dy_ahead.fetch();
    add_channels<groups, size, step>(run, taps, part, c);
  });
}

using AddAllChannels = void (*)(const Run&, const LiveTap*, LinesAhead&, LinesAhead&);

/// The functions for as many groups of taps as are added at once.
struct TapFunctions {
  std::int64_t size, most_groups;
  AddAllChannels of_groups[6];
};
constexpr TapFunctions threes = {
    3, 3, {add_all_channels<1, 3, 1>, add_all_channels<2, 3, 1>, add_all_channels<3, 3, 1>}};
constexpr TapFunctions threes_of_two_steps = {
    3, 3, {add_all_channels<1, 3, 2>, add_all_channels<2, 3, 2>, add_all_channels<3, 3, 2>}};
constexpr TapFunctions single = {1,
                                 6,
                                 {add_all_channels<1, 1, 1>, add_all_channels<2, 1, 1>, add_all_channels<3, 1, 1>,
                                  add_all_channels<4, 1, 1>, add_all_channels<5, 1, 1>, add_all_channels<6, 1, 1>}};

const TapFunctions& functions_of(const TapGrid& g) {
  if (g.step_w > 2 || !are_side_by_side(g, 3)) return single;
  return g.step_w == 1 ? threes : threes_of_two_steps;
}

void add_run(const TapFunctions& functions, const Run& run, LinesAhead& x_ahead, LinesAhead& dy_ahead) {
  for (std::int64_t tap = 0; tap < run.tap_count; tap += functions.most_groups * functions.size) {
    const std::int64_t groups = min64(functions.most_groups, (run.tap_count - tap) / functions.size);
    functions.of_groups[groups - 1](run, run.taps + tap, x_ahead, dy_ahead);
  }
}

/// Adds row `row` of the grid to sums [tap][stride].
void add_row(const TapGrid& g, std::int64_t row, const float* x, const float* dy, float* sums, LiveTap* live) {
  const std::int64_t image = row / g.grid_h, i = row % g.grid_h, dy_floats = g.grid_w * g.out_c;
  const Columns inner = inner_columns(g);
  const TapFunctions& inner_functions = functions_of(g);
  const std::int64_t calls =
      row_calls(g, run_length(g)) * ceil_div(g.tap_count, inner_functions.size * inner_functions.most_groups);
  LinesAhead x_ahead = source_rows_ahead(&g, 1, row, x, calls);
  const float* next_dy = dy + (row + 1) * dy_floats;
  LinesAhead dy_ahead(next_dy, row + 1 < g.images * g.grid_h ? next_dy + dy_floats : next_dy, calls);
  Run run = {live, 0, nullptr, 0, g.out_c, 0, g.out_c};
  for (std::int64_t j = 0; j < g.grid_w; j += run.pixels) {
    const bool is_inner = j >= inner.begin && j < inner.end;
    const TapFunctions& functions = is_inner ? inner_functions : single;
    if (!is_inner || j == inner.begin)
      run.tap_count = find_live_taps(g, rows_in_memory(g, x), image, i, j, sums, padded_channels(g), live);
    run.dy = dy + (row * g.grid_w + j) * g.out_c;
    run.x_step = functions.size == 1 ? g.step_w * g.source_c : g.source_c;
    run.pixels = is_inner ? min64(run_length(g), inner.end - j) : 1;
    add_run(functions, run, x_ahead, dy_ahead);
    if (is_inner) move_right(live, run.tap_count, run.pixels * g.step_w * g.source_c);
  }
}

/// Parts of the rows, each with sums of its own; few where images are small, as then sums are as large.
std::int64_t part_count(const TapGrid& g) {
  const std::int64_t rows = g.images * g.grid_h;
  return min64(64, ceil_div(rows, task_rows(rows, g.grid_w * g.out_c * g.tap_count, 8)));
}

}  // namespace

std::int64_t depthwise_weight_gradient_scratch(const TapGrid& g) {
  return part_count(g) * g.tap_count * padded_channels(g);
}

void depthwise_weight_gradient(const TapGrid& g, const float* x, const float* dy, float* scratch, float* dw) {
  const std::int64_t stride = padded_channels(g), parts = part_count(g), count = g.tap_count * stride;
  parallel_for(parts, [&](std::int64_t part) {
    const Part rows = part_of(g.images * g.grid_h, parts, part);
    float* sums = scratch + part * count;
    for (std::int64_t i = 0; i < count; ++i) sums[i] = 0;
    LiveTap* live = live_tap_scratch(g.tap_count);
    for (std::int64_t row = rows.begin; row < rows.begin + rows.size; ++row) add_row(g, row, x, dy, sums, live);
  });
  join_tap_sums(
      scratch, parts, g.tap_count, stride, g.out_c, g.weight_step_n,
      [&](std::int64_t tap) { return g.taps[tap].weight; }, dw);
}

}  // namespace weft::kernels::WEFT_ISA
