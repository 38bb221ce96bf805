#pragma once
// What the depthwise kernels share: the taps that hit the image, how the work is cut, and how the next row is brought
// near while this one is computed.

#include "core/kernels/isa/tap_order.h"
#include "core/kernels/isa/vec.h"
#include "core/kernels/scratch.h"
#include "core/parallel.h"

namespace weft::kernels::WEFT_ISA {
namespace {

constexpr std::int64_t run_pixels = 8;  // neighbours that are computed at once

/// A tap that hits the image at the pixel in question: its source pixel, and its weights or sums.
struct LiveTap {
  const float* source;
  float* values;  // [channels rounded up]
};

/// Floats that hold so many.
constexpr std::int64_t live_tap_floats(std::int64_t count) {
  return count * static_cast<std::int64_t>(sizeof(LiveTap) / sizeof(float));
}

inline LiveTap* live_tap_scratch(std::int64_t count) {
  return reinterpret_cast<LiveTap*>(thread_scratch(live_tap_floats(count)));
}

/// Where the source's rows lie, those of all images: one after the other, or the last few in a ring.
struct SourceRows {
  const float* first;
  std::int64_t floats;     // from row to row
  std::int64_t slots = 0;  // of the ring

  WEFT_ALWAYS_INLINE const float* row(std::int64_t row) const {
    return first + (slots == 0 ? row : row % slots) * floats;
  }
};

inline SourceRows rows_in_memory(const TapGrid& g, const float* source) { return {source, g.source_w * g.source_c}; }

/// The taps that hit the image at grid pixel (i, j); `values` holds `stride` floats a tap.
inline std::int64_t find_live_taps(const TapGrid& g, const SourceRows& source, std::int64_t image, std::int64_t i,
                                   std::int64_t j, float* values, std::int64_t stride, LiveTap* live) {
  std::int64_t count = 0;
  for (std::int64_t tap = 0; tap < g.tap_count; ++tap) {
    const std::int64_t row = i * g.step_h + g.taps[tap].row, col = j * g.step_w + g.taps[tap].col;
    if (row < 0 || row >= g.source_h || col < 0 || col >= g.source_w) continue;
    live[count++] = {source.row(image * g.source_h + row) + col * g.source_c, values + tap * stride};
  }
  return count;
}

/// To the pixel whose source pixels lie `floats` further on; the same taps hit the image.
inline void move_right(LiveTap* live, std::int64_t count, std::int64_t floats) {
  for (std::int64_t tap = 0; tap < count; ++tap) live[tap].source += floats;
}

/// Columns [begin, end) at which no tap leaves the image to the left or right.
struct Columns {
  std::int64_t begin, end;
};
inline Columns inner_columns(const TapGrid& g) {
  Columns inner = {0, g.grid_w};
  for (std::int64_t tap = 0; tap < g.tap_count; ++tap) {
    const std::int64_t col = g.taps[tap].col;
    if (col < 0) inner.begin = max64(inner.begin, ceil_div(-col, g.step_w));
    inner.end = min64(inner.end, g.source_w > col ? ceil_div(g.source_w - col, g.step_w) : 0);
  }
  if (inner.begin >= inner.end) inner = {g.grid_w, g.grid_w};
  return inner;
}

/// The next of several places at equal distances. Left alone, the compiler computes all of them before the loop that
/// they lie in, and has no registers for them.
template <class Float>
WEFT_ALWAYS_INLINE Float* next_place(Float* place, std::int64_t distance) {
  place += distance;
  asm("" : "+r"(place));
  return place;
}

/// Calls body(p, v, x) for each tap v that pixel p has among `size` side by side, x being the source pixel that it
/// meets. `step` source pixels lie between the first taps of neighbouring pixels; each source pixel is loaded once.
template <int size, int step, int pixels, class Part, class Body>
WEFT_ALWAYS_INLINE void for_each_meeting(const Part& part, const float* source, std::int64_t source_step, Body&& body) {
  WEFT_UNROLL
  for (int column = 0; column < (pixels - 1) * step + size; ++column) {
    const Vec x = size == 1 ? part.load_from(source) : kept_in_register(part.load_from(source));
    WEFT_UNROLL
    for (int v = 0; v < size; ++v) {  // tap v of pixel p is at column p step + v
      const int p = (column - v) / step;
      if (column >= v && p < pixels && p * step + v == column) body(p, v, x);
    }
    source = next_place(source, source_step);
  }
}

constexpr std::int64_t burst_lines = 64;

/// Lines that the next row needs, asked for while this one is computed. A pixel's channels are read 16 at a time, pixel
/// after pixel, which the processor does not take for a stream. So they are asked for in the order in which they lie,
/// and 64 at once, a page: with other loads in between it would not see the stream either.
class LinesAhead {
 public:
  /// For [begin, end), a share of which each of `calls` calls brings nearer.
  LinesAhead(const float* begin, const float* end, std::int64_t calls)
      : next_(begin),
        left_(end > begin ? ceil_div(end - begin, cache_line_floats) : 0),
        share_(ceil_div(left_, max64(1, calls))) {}

  WEFT_ALWAYS_INLINE void fetch() {
    owed_ += share_;
    if (owed_ < min64(burst_lines, left_)) return;
    for (; owed_ > 0 && left_ > 0; --owed_, --left_, next_ += cache_line_floats) __builtin_prefetch(next_, 0, 2);
    owed_ = 0;
  }

 private:
  const float* next_;
  std::int64_t left_, share_, owed_ = 0;
};

/// The first source row that row `row` of the output needs, of a grid without phases; rows are those of all images.
/// Where it lies in the padding below, it needs none: the next image's first.
inline std::int64_t source_rows_begin(const TapGrid& g, std::int64_t row) {
  const std::int64_t first = max64(0, row % g.out_h * g.step_h + g.taps[0].row);
  return row / g.out_h * g.source_h + min64(g.source_h, first);
}

/// One after the last source row that row `row` of the output needs.
inline std::int64_t source_rows_end(const TapGrid* phases, std::int64_t count, std::int64_t row) {
  const std::int64_t image = row / phases->out_h, out_row = row % phases->out_h;
  std::int64_t end = 0;
  for (const TapGrid* g = phases; g < phases + count; ++g) {
    if (out_row % g->out_step_h != g->out_row) continue;
    for (std::int64_t tap = 0; tap < g->tap_count; ++tap)
      end = max64(end, min64(g->source_h, out_row / g->out_step_h * g->step_h + g->taps[tap].row + 1));
  }
  return image * phases->source_h + end;
}

/// The source rows that output row `row` + 1 adds to those of `row`.
inline LinesAhead source_rows_ahead(const TapGrid* phases, std::int64_t count, std::int64_t row, const float* source,
                                    std::int64_t calls) {
  const TapGrid& g = *phases;
  const std::int64_t floats = g.source_w * g.source_c, begin = source_rows_end(phases, count, row);
  const bool is_last = row + 1 == g.images * g.out_h;
  const std::int64_t end = is_last ? begin : source_rows_end(phases, count, row + 1);
  return {source + begin * floats, source + end * floats, calls};
}

inline std::int64_t padded_channels(const TapGrid& g) { return ceil_div(g.out_c, lanes) * lanes; }

/// dw from sums [part][tap][stride] in so many parts, added in their order: that of tap t and channel c goes to
/// dw[weight_of(t) + c step].
template <class WeightOf>
void join_tap_sums(const float* sums, std::int64_t parts, std::int64_t taps, std::int64_t stride, std::int64_t channels,
                   std::int64_t step, WeightOf&& weight_of, float* dw) {
  const std::int64_t count = taps * stride;
  constexpr std::int64_t chunk = 16 * lanes;
  parallel_chunks(count, chunk, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; i += lanes) {
      Vec sum = {};
      for (std::int64_t part = 0; part < parts; ++part) sum += load(sums + part * count + i);
      const std::int64_t weight = weight_of(i / stride), first = i % stride;
      for (std::int64_t c = first; c < min64(first + lanes, channels); ++c) dw[weight + c * step] = sum[c - first];
    }
  });
}

/// Calls in a row of the grid, where there is one for each run of pixels and vector of channels.
inline std::int64_t row_calls(const TapGrid& g, std::int64_t run) {
  return max64(1, g.grid_w / run) * (padded_channels(g) / lanes);
}

/// Rows in a task, of which there are at least `least_tasks` where there are rows enough. Tasks had better be long:
/// each begins with lines that are far away if another thread did the row before.
inline std::int64_t task_rows(std::int64_t rows, std::int64_t row_products, std::int64_t least_tasks) {
  constexpr std::int64_t task_products = 1 << 20;
  return max64(1, min64(rows / least_tasks, task_products / max64(1, row_products)));
}

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
