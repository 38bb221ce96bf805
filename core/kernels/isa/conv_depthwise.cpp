// Depthwise convolution: one filter per channel, so channels fill the vectors and nothing is a matrix product.
//
//   out[pixel, c]  = sum over taps of source[pixel + tap, c] w[tap, c]        forward, and input gradient by phases
//   dw[tap, c]     = sum over pixels of x[pixel + tap, c] dy[pixel, c]
//
// About 9 multiply-adds meet 2 numbers from memory, so the point is to pass over each image once: a run of output
// pixels of one row is finished for 16 channels before the next 16, and the rows that the next output row shares are
// still in L2. At the border each pixel takes the taps that hit the image. The processor sees no stream in lines that
// lie a pixel apart, so what no earlier row has brought near is fetched ahead.

#include "core/kernels/isa/kernels.h"
#include "core/kernels/isa/limits.h"
#include "core/kernels/scratch.h"
#include "core/parallel.h"

namespace weft::kernels::WEFT_ISA {
namespace {

constexpr std::int64_t task_products = 1 << 17;  // multiplications by taps that are worth a task
constexpr std::int64_t max_partial_sums = 64;
constexpr std::int64_t fetched_channels = 64;  // pixels of so many lie far enough apart to be worth fetching ahead
constexpr std::int64_t runs_ahead = 2;

/// A tap that hits the image at the pixel in question: its source pixel, and its weights or sums.
struct LiveTap {
  const float* source;
  float* values;  // [channels rounded up]
};

struct Run {
  const LiveTap* taps;
  std::int64_t tap_count;
  const float* newest;  // the last source pixel that the first output pixel meets, or null: nothing is fetched ahead
  std::int64_t source_step, out_step;  // floats from one pixel of the run to the next
};

struct Finish {
  const float* bias;  // or null
  Activation activation;
  const float* residual;  // at the run's first pixel, or null
  bool past_caches;       // see belongs_past_caches
  float* out;
};

/// `pixels` neighbours, the channels from c on that fill the lanes.
template <int pixels, bool is_whole>
WEFT_ALWAYS_INLINE void run_channels(const Run& run, const Finish& finish, Lanes<is_whole> part, std::int64_t c) {
  if (run.newest != nullptr && c % cache_line_floats == 0) {
    WEFT_UNROLL
    for (int p = 0; p < pixels; ++p) __builtin_prefetch(run.newest + (runs_ahead * pixels + p) * run.source_step + c);
  }
  Vec acc[pixels] = {};
  for (std::int64_t tap = 0; tap < run.tap_count; ++tap) {
    const Vec weight = load(run.taps[tap].values + c);
    const float* source = run.taps[tap].source + c;
    WEFT_UNROLL
    for (int p = 0; p < pixels; ++p) acc[p] += part.load_from(source + p * run.source_step) * weight;
  }
  const Vec bias = finish.bias != nullptr ? part.load_from(finish.bias + c) : Vec{};
  const Limits limits(finish.activation);
  WEFT_UNROLL
  for (int p = 0; p < pixels; ++p) {
    const std::int64_t at = p * run.out_step + c;
    Vec sum = acc[p] + bias;
    if (finish.residual != nullptr) sum += part.load_from(finish.residual + at);
    sum = clamp(sum, limits.low, limits.high);
    if (finish.past_caches) {
      store_past_caches(finish.out + at, sum);
    } else {
      part.store_to(finish.out + at, sum);
    }
  }
}

template <int pixels>
void run_pixels(const Run& run, const Finish& finish, std::int64_t channels) {
  for_each_vector(channels, [&](auto part, std::int64_t c) { run_channels<pixels>(run, finish, part, c); });
}

/// Columns [begin, end) at which no tap leaves the image to the left or right.
struct Columns {
  std::int64_t begin, end;
};
Columns inner_columns(const TapGrid& g) {
  Columns inner = {0, g.grid_w};
  for (std::int64_t tap = 0; tap < g.tap_count; ++tap) {
    const std::int64_t col = g.taps[tap].col;
    if (col < 0) inner.begin = max64(inner.begin, ceil_div(-col, g.step_w));
    inner.end = min64(inner.end, g.source_w > col ? ceil_div(g.source_w - col, g.step_w) : 0);
  }
  if (inner.begin >= inner.end) inner = {g.grid_w, g.grid_w};
  return inner;
}

/// The taps that hit the image at grid pixel (i, j); `values` holds `stride` floats a tap.
std::int64_t find_live_taps(const TapGrid& g, const float* source, std::int64_t image, std::int64_t i, std::int64_t j,
                            float* values, std::int64_t stride, LiveTap* live) {
  std::int64_t count = 0;
  for (std::int64_t tap = 0; tap < g.tap_count; ++tap) {
    const std::int64_t row = i * g.step_h + g.taps[tap].row, col = j * g.step_w + g.taps[tap].col;
    if (row < 0 || row >= g.source_h || col < 0 || col >= g.source_w) continue;
    live[count++] = {source + ((image * g.source_h + row) * g.source_w + col) * g.source_c, values + tap * stride};
  }
  return count;
}

/// The tap whose source lies last.
const LiveTap* newest_tap(const LiveTap* live, std::int64_t count) {
  const LiveTap* newest = live;
  for (std::int64_t tap = 1; tap < count; ++tap) {
    if (live[tap].source > newest->source) newest = live + tap;
  }
  return newest;
}

void move_right(LiveTap* live, std::int64_t count, std::int64_t floats) {
  for (std::int64_t tap = 0; tap < count; ++tap) live[tap].source += floats;
}

/// One row of the grid.
void run_row(const TapGrid& g, const Columns& inner, std::int64_t row, const float* source, float* packed,
             std::int64_t stride, const ConvEpilogue<float>& epilogue, LiveTap* live, float* out) {
  const std::int64_t image = row / g.grid_h, i = row % g.grid_h;
  const std::int64_t out_row = (image * g.out_h + g.out_row + i * g.out_step_h) * g.out_w + g.out_col;
  const bool fetches = g.step_w == 1 && g.out_c >= fetched_channels;
  const bool past_caches =
      epilogue.watch == nullptr && belongs_past_caches(out, g.images * g.out_h * g.out_w * g.out_c, g.out_c);
  Run run = {live, 0, nullptr, g.step_w * g.source_c, g.out_step_w * g.out_c};
  for (std::int64_t j = 0; j < g.grid_w;) {
    const std::int64_t at = (out_row + j * g.out_step_w) * g.out_c;
    const Finish finish = {epilogue.bias, epilogue.activation,
                           epilogue.residual != nullptr ? epilogue.residual + at : nullptr, past_caches, out + at};
    const bool is_inner = j >= inner.begin && j < inner.end;
    if (!is_inner || j == inner.begin) run.tap_count = find_live_taps(g, source, image, i, j, packed, stride, live);
    run.newest = fetches && is_inner && run.tap_count > 0 ? newest_tap(live, run.tap_count)->source : nullptr;
    std::int64_t pixels = 1;
    if (is_inner && j + 8 <= inner.end) {
      run_pixels<8>(run, finish, g.out_c);
      pixels = 8;
    } else if (is_inner && j + 4 <= inner.end) {
      run_pixels<4>(run, finish, g.out_c);
      pixels = 4;
    } else {
      run_pixels<1>(run, finish, g.out_c);
    }
    if (is_inner) move_right(live, run.tap_count, pixels * run.source_step);
    j += pixels;
  }
}

/// sums[tap] += x * dy over a run of pixels, for `taps` taps and the channels from c on that fill the lanes.
template <int taps, bool is_whole>
void add_products(const LiveTap* live, const float* dy, std::int64_t x_step, std::int64_t dy_step, std::int64_t pixels,
                  Lanes<is_whole> part, std::int64_t c) {
  Vec sums[taps];
  const float* x[taps];
  WEFT_UNROLL
  for (int tap = 0; tap < taps; ++tap) sums[tap] = load(live[tap].values + c), x[tap] = live[tap].source + c;
  dy += c;
  for (std::int64_t pixel = 0, at = 0; pixel < pixels; ++pixel, at += x_step, dy += dy_step) {
    __builtin_prefetch(x[taps - 1] + at + cache_line_floats);  // the channels that come next, of the newest pixel
    __builtin_prefetch(dy + cache_line_floats);
    const Vec gradient = part.load_from(dy);
    WEFT_UNROLL
    for (int tap = 0; tap < taps; ++tap) sums[tap] += part.load_from(x[tap] + at) * gradient;
  }
  WEFT_UNROLL
  for (int tap = 0; tap < taps; ++tap) store(live[tap].values + c, sums[tap]);
}

constexpr std::int64_t max_run_taps = 9;
constexpr std::int64_t max_run_pixels = 32;

template <bool is_whole>
void add_products_of(std::int64_t taps, const LiveTap* live, const float* dy, std::int64_t x_step, std::int64_t dy_step,
                     std::int64_t pixels, Lanes<is_whole> part, std::int64_t c) {
  using AddProducts =
      void (*)(const LiveTap*, const float*, std::int64_t, std::int64_t, std::int64_t, Lanes<is_whole>, std::int64_t);
  constexpr AddProducts functions[max_run_taps] = {
      add_products<1, is_whole>, add_products<2, is_whole>, add_products<3, is_whole>,
      add_products<4, is_whole>, add_products<5, is_whole>, add_products<6, is_whole>,
      add_products<7, is_whole>, add_products<8, is_whole>, add_products<9, is_whole>};
  functions[taps - 1](live, dy, x_step, dy_step, pixels, part, c);
}

/// Adds row `row` of the grid to sums [tap][stride].
void add_row(const TapGrid& g, const Columns& inner, std::int64_t row, const float* x, const float* dy, float* sums,
             std::int64_t stride, LiveTap* live) {
  const std::int64_t image = row / g.grid_h, i = row % g.grid_h, x_step = g.step_w * g.source_c;
  for (std::int64_t j = 0; j < g.grid_w;) {
    const bool is_inner = j >= inner.begin && j < inner.end;
    const std::int64_t pixels = is_inner ? min64(max_run_pixels, inner.end - j) : 1;
    const std::int64_t live_count = find_live_taps(g, x, image, i, j, sums, stride, live);
    const float* gradient = dy + (row * g.grid_w + j) * g.out_c;
    for_each_vector(g.out_c, [&](auto part, std::int64_t c) {
      for (std::int64_t tap = 0; tap < live_count; tap += max_run_taps) {
        add_products_of(min64(max_run_taps, live_count - tap), live + tap, gradient, x_step, g.out_c, pixels, part, c);
      }
    });
    j += pixels;
  }
}

std::int64_t padded_channels(const TapGrid& g) { return ceil_div(g.out_c, lanes) * lanes; }

/// Rows of the grid that make a task.
std::int64_t task_rows(const TapGrid& g) {
  const std::int64_t row_products = max64(1, g.grid_w * g.out_c * g.tap_count);
  return max64(1, task_products / row_products);
}

LiveTap* live_tap_scratch(const TapGrid& g) {
  return reinterpret_cast<LiveTap*>(
      thread_scratch(g.tap_count * static_cast<std::int64_t>(sizeof(LiveTap) / sizeof(float))));
}

std::int64_t gradient_tasks(const TapGrid& g) {
  return min64(max_partial_sums, ceil_div(g.images * g.grid_h, task_rows(g)));
}

}  // namespace

void depthwise_taps(const TapGrid& g, const float* source, const float* w, const ConvEpilogue<float>& epilogue,
                    float* packed, float* out) {
  const std::int64_t stride = padded_channels(g);
  for (std::int64_t tap = 0; tap < g.tap_count; ++tap) {
    for (std::int64_t c = 0; c < stride; ++c)
      packed[tap * stride + c] = c < g.out_c ? w[g.taps[tap].weight + c * g.weight_step_n] : 0;
  }
  const Columns inner = inner_columns(g);
  parallel_chunks(g.images * g.grid_h, task_rows(g), [&](std::int64_t begin, std::int64_t end) {
    LiveTap* live = live_tap_scratch(g);
    for (std::int64_t row = begin; row < end; ++row)
      run_row(g, inner, row, source, packed, stride, epilogue, live, out);
    stream_fence();
    // The grid of a watched output is the output.
    if (epilogue.watch != nullptr)
      epilogue.watch->stored(*epilogue.watch, begin * g.grid_w, (end - begin) * g.grid_w, g.out_c);
  });
}

std::int64_t depthwise_weight_gradient_scratch(const TapGrid& g) {
  return gradient_tasks(g) * g.tap_count * padded_channels(g);
}

void depthwise_weight_gradient(const TapGrid& g, const float* x, const float* dy, float* scratch, float* dw) {
  const std::int64_t stride = padded_channels(g), tasks = gradient_tasks(g);
  const Columns inner = inner_columns(g);
  parallel_for(tasks, [&](std::int64_t task) {
    const Part rows = part_of(g.images * g.grid_h, tasks, task);
    float* sums = scratch + task * g.tap_count * stride;
    for (std::int64_t i = 0; i < g.tap_count * stride; ++i) sums[i] = 0;
    LiveTap* live = live_tap_scratch(g);
    for (std::int64_t row = rows.begin; row < rows.begin + rows.size; ++row)
      add_row(g, inner, row, x, dy, sums, stride, live);
  });
  const std::int64_t count = g.tap_count * stride;
  constexpr std::int64_t chunk = 16 * lanes;
  parallel_chunks(count, chunk, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; i += lanes) {
      Vec sum = {};
      for (std::int64_t task = 0; task < tasks; ++task) sum += load(scratch + task * count + i);
      const std::int64_t weight = g.taps[i / stride].weight, first = i % stride;
      for (std::int64_t c = first; c < min64(first + lanes, g.out_c); ++c)
        dw[weight + c * g.weight_step_n] = sum[c - first];
    }
  });
}

}  // namespace weft::kernels::WEFT_ISA
