// Both gradients of a depthwise convolution, 3x3 with padding 1, in one pass over images that are made as it goes
// (core/kernels/pixel_source.h), and batch norm's sums over dx (core/kernels/output_sums.h).
//
//   dx[r, q, c] = sum over u, v of  dy[i, j, c] w[u, v, c]              i s = r + 1 - u and j s = q + 1 - v,
//   dw[u, v, c] = sum over r, q of  dy[i, j, c] x[r, q, c]              where that is whole and inside dy
//
// A pixel of x meets the same pixels of dy in both, so a dy that is loaded serves two sums. Order of work:
//
//   tasks: some rows of x, of all images' rows
//     rows of x; the 1 to 3 rows of dy that they meet lie in a ring, with a zero pixel at either end
//       tiles of neighbouring pixels
//         1. make the tile's x, and the dy that it adds to the ring
//         2. 16 channels at a time, blocks of 8 pixels: dx in registers, then in the tile; sums of dw in registers
//         3. in the order of memory: batch norm's sums over the tile, which is stored past the caches
//
// Of all images only the ring has to stay in L2. While step 2 computes, the next tile's pixels are fetched.

#include "core/kernels/isa/depthwise_rows.h"
#include "core/kernels/isa/kernels.h"
#include "core/kernels/isa/made_pixels.h"
#include "core/kernels/isa/store_sums.h"
#include "core/kernels/isa/strips.h"
#include "core/parallel.h"

namespace weft::kernels::WEFT_ISA {
namespace {

constexpr std::int64_t kernel_taps = 9;
// A block's x and dx fit in registers beside the sums and a row of weights. Where registers are few, the sums are those
// of a row of taps, and go back to memory after each block.
constexpr int block_pixels = vector_registers == 32 ? 8 : 4;
constexpr bool keeps_sums = vector_registers == 32;
constexpr std::int64_t least_tasks = 16, most_task_rows = 32;  // each makes up to two rows of dy again
constexpr std::int64_t tile_floats = 4608, most_tile_pixels = 64;

std::int64_t padded(std::int64_t channels) { return ceil_div(channels, cache_line_floats) * cache_line_floats; }

/// Pixels of a tile: whole blocks.
std::int64_t tile_pixels(const ConvProblem& p) {
  return max64(1, min64(most_tile_pixels, tile_floats / p.c_in) / block_pixels) * block_pixels;
}

/// Neighbouring pixels of a row of x, and what they meet.
struct Tile {
  std::int64_t pixels, channels;
  std::int64_t stride;  // floats from tap to tap of weights and sums
  const float* x;
  float* dx;
  // Rows of dy, from above, at the first pixel's column, and their taps' weights and sums.
  const float *dy[3], *weights[3];
  float* sums[3];
};

/// The pixels from q on, at the channels from c on that fill the lanes. `step` pixels of x lie between those that the
/// same tap leads to from neighbours in dy.
template <int step, int rows, int pixels, bool is_whole>
WEFT_ALWAYS_INLINE void meet(const Tile& tile, Lanes<is_whole> part, std::int64_t q, std::int64_t c,
                             Vec (&sums)[rows][3]) {
  constexpr int first = step == 1 ? -1 : 0, last = pixels / step;  // columns of dy that are met
  Vec x[pixels], dx[pixels] = {};
  const float* x_at = tile.x + q * tile.channels + c;
  WEFT_UNROLL
  for (int p = 0; p < pixels; ++p, x_at = next_place(x_at, tile.channels))
    x[p] = kept_in_register(part.load_from(x_at));
  WEFT_UNROLL
  for (int k = 0; k < rows; ++k) {
    Vec weights[3];
    WEFT_UNROLL
    for (int v = 0; v < 3; ++v) {
      weights[v] = kept_in_register(load(tile.weights[k] + v * tile.stride + c));
      if (!keeps_sums) sums[k][v] = load(tile.sums[k] + v * tile.stride + c);
    }
    const float* dy_at = tile.dy[k] + (q / step + first) * tile.channels + c;
    WEFT_UNROLL
    for (int column = first; column <= last; ++column, dy_at = next_place(dy_at, tile.channels)) {
      const Vec dy = kept_in_register(part.load_from(dy_at));
      WEFT_UNROLL
      for (int v = 2; v >= 0; --v) {
        const int p = column * step - 1 + v;
        if (p < 0 || p >= pixels) continue;
        dx[p] += dy * weights[v];
        sums[k][v] += dy * x[p];
      }
    }
    WEFT_UNROLL
    for (int v = 0; v < 3 && !keeps_sums; ++v) store(tile.sums[k] + v * tile.stride + c, sums[k][v]);
  }
  float* dx_at = tile.dx + q * tile.channels + c;
  WEFT_UNROLL
  for (int p = 0; p < pixels; ++p, dx_at = next_place(dx_at, tile.channels)) part.store_to(dx_at, dx[p]);
}

/// Lines that the next tile is made from.
struct Ahead {
  LinesAhead lines[3];

  WEFT_ALWAYS_INLINE void fetch() {
    for (LinesAhead& some : lines) some.fetch();
  }
};

/// Step 2.
template <int step, int rows>
__attribute__((noinline)) void convolve_tile(const Tile& tile, Ahead& ahead) {
  for_each_vector(tile.channels, [&](auto part, std::int64_t c) {
    ahead.fetch();
    Vec sums[rows][3];
    WEFT_UNROLL
    for (int i = 0; i < 3 * rows && keeps_sums; ++i)
      sums[i / 3][i % 3] = load(tile.sums[i / 3] + i % 3 * tile.stride + c);
    std::int64_t q = 0;
    for (; q + block_pixels <= tile.pixels; q += block_pixels) meet<step, rows, block_pixels>(tile, part, q, c, sums);
    for (; q + 2 <= tile.pixels; q += 2) meet<step, rows, 2>(tile, part, q, c, sums);
    if (q < tile.pixels) meet<step, rows, 1>(tile, part, q, c, sums);
    WEFT_UNROLL
    for (int i = 0; i < 3 * rows && keeps_sums; ++i)
      store(tile.sums[i / 3] + i % 3 * tile.stride + c, sums[i / 3][i % 3]);
  });
}

using ConvolveTile = void (*)(const Tile&, Ahead&);
/// By the rows of dy that are met.
constexpr ConvolveTile with_stride_1[] = {convolve_tile<1, 1>, convolve_tile<1, 2>, convolve_tile<1, 3>};
constexpr ConvolveTile with_stride_2[] = {convolve_tile<2, 1>, convolve_tile<2, 2>};

/// Step 3 for a strip of channels. All pointers are at the first pixel, x's, dx's and out's at its first channel.
template <int vectors, bool stores, bool is_whole>
void sum_strip(const Lanes<is_whole> part, const StoreSums sums, const std::int64_t c, const float* dx, const float* x,
               const std::int64_t pixels, const std::int64_t channels, float* out) {
  const Vec low = broadcast(sums.low), high = broadcast(sums.high);
  Vec sum[vectors], product[vectors];
  WEFT_UNROLL
  for (int v = 0; v < vectors; ++v) sum[v] = Vec{}, product[v] = Vec{};
  for (std::int64_t at = c; at < pixels * channels; at += channels) {
    WEFT_UNROLL
    for (int v = 0; v < vectors; ++v) {
      const std::int64_t shift = v * lanes;
      const Vec g = part.load_from(dx + at + shift), value = part.load_from(x + at + shift);
      const Vec y = value * load(sums.factor + c + shift) + load(sums.offset + c + shift);
      const Vec dz = (y > low) & (y < high) ? g : Vec{};
      sum[v] += dz;
      product[v] += dz * (value - load(sums.mean + c + shift));
      if (stores) store_past_caches(out + at + shift, g);
    }
  }
  WEFT_UNROLL
  for (int v = 0; v < vectors; ++v) add_to_part(sums, c + v * lanes, sum[v], product[v]);
}

/// Everything that the tasks share.
struct Work {
  const ConvProblem& p;
  const PixelSource &x, &dy;
  std::int64_t out_h, out_w;
  const float* weights;  // [tap][padded channels]
  bool past_caches;
  float* dx;

  std::int64_t stride() const { return padded(p.c_in); }
};

/// The rows of dy that a row of x meets.
Part rows_met(const Work& work, std::int64_t r) {
  const std::int64_t s = work.p.stride_h, begin = max64(0, (r + s - 2) / s);
  return {begin, min64(work.out_h, (r + 1) / s + 1) - begin};
}

/// Rows of dy in a thread's scratch, each between two zero pixels.
class Ring {
 public:
  static std::int64_t slots(const ConvProblem& p) { return p.stride_h == 1 ? 3 : 2; }
  static std::int64_t slot_floats(const ConvProblem& p) { return padded((p.out_w() + 2) * p.c_in); }

  Ring(const Work& work, float* room)
      : work_(work), slots_(slots(work.p)), slot_floats_(slot_floats(work.p)), room_(room) {
    const std::int64_t channels = work.p.c_in;
    for (std::int64_t slot = 0; slot < slots_; ++slot) {
      float *before = room + slot * slot_floats_, *after = before + (work.out_w + 1) * channels;
      for (std::int64_t c = 0; c < channels; ++c) before[c] = after[c] = 0;
    }
  }

  /// Pixel (row, column) of an image.
  float* at(std::int64_t row, std::int64_t column) const {
    return room_ + row % slots_ * slot_floats_ + (column + 1) * work_.p.c_in;
  }
  /// Makes pixels [begin, end) of a row.
  void make(std::int64_t image, std::int64_t row, std::int64_t begin, std::int64_t end) const {
    float* to = at(row, begin);
    const float* made = made_pixels(work_.dy, (image * work_.out_h + row) * work_.out_w + begin, end - begin, to);
    for (std::int64_t i = 0; made != to && i < (end - begin) * work_.p.c_in; ++i) to[i] = made[i];
  }

 private:
  const Work& work_;
  const std::int64_t slots_, slot_floats_;
  float* const room_;
};

/// Images that pixels are made from.
struct SourceImages {
  const float* images[2];

  explicit SourceImages(const PixelSource& source)
      : images{source.kind == PixelSource::Kind::stored ? source.values : source.norm.x,
               source.kind == PixelSource::Kind::gradient ? source.norm.dy : nullptr} {}
};

/// A thread's work on one task.
class Task {
 public:
  Task(const Work& work, const StoreSums& sums, float* dw)
      : work_(work),
        sums_(sums),
        dw_(dw),
        tile_pixels_(tile_pixels(work.p)),
        room_(thread_scratch(Ring::slots(work.p) * Ring::slot_floats(work.p) + 2 * padded(tile_pixels_ * work.p.c_in))),
        ring_(work, room_ + 2 * padded(tile_pixels_ * work.p.c_in)) {}

  /// Rows [begin, end) of all images' rows of x.
  void run(std::int64_t begin, std::int64_t end) {
    const std::int64_t h = work_.p.h;
    std::int64_t made = 0;  // rows of the image's dy
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t image = row / h, r = row % h;
      const Part met = rows_met(work_, r);
      const std::int64_t last = met.begin + met.size - 1;
      if (row == begin || r == 0) {
        for (made = met.begin; made < last; ++made) ring_.make(image, made, 0, work_.out_w);
      }
      run_row(image, r, met, made <= last);
      made = last + 1;
    }
  }

 private:
  /// Row r of an image. `makes_dy`: the last row of dy that it meets is not made yet.
  void run_row(std::int64_t image, std::int64_t r, const Part& met, bool makes_dy) {
    const std::int64_t w = work_.p.w, channels = work_.p.c_in, step = work_.p.stride_w, stride = work_.stride();
    const std::int64_t last = met.begin + met.size - 1;
    Tile tile = {};
    tile.channels = channels, tile.stride = stride;
    for (std::int64_t k = 0; k < met.size; ++k) {
      const std::int64_t u = r + 1 - (met.begin + k) * work_.p.stride_h;
      tile.weights[k] = work_.weights + 3 * u * stride;
      tile.sums[k] = dw_ + 3 * u * stride;
    }
    std::int64_t made = 0;  // columns of dy
    for (std::int64_t q = 0; q < w; q += tile.pixels) {
      tile.pixels = min64(tile_pixels_, w - q);
      const std::int64_t needed = min64(work_.out_w, (q + tile.pixels) / step + 1);
      if (makes_dy) ring_.make(image, last, made, needed);
      const std::int64_t pixel = (image * work_.p.h + r) * w + q, dy_pixel = (image * work_.out_h + last) * work_.out_w;
      tile.x = made_pixels(work_.x, pixel, tile.pixels, room_);
      tile.dx = work_.past_caches ? room_ + padded(tile_pixels_ * channels) : work_.dx + pixel * channels;
      for (std::int64_t k = 0; k < met.size; ++k) tile.dy[k] = ring_.at(met.begin + k, q / step);
      Ahead ahead = lines_ahead(pixel + tile.pixels, makes_dy ? dy_pixel + needed : -1);
      (step == 1 ? with_stride_1 : with_stride_2)[met.size - 1](tile, ahead);
      finish(tile, pixel);
      made = needed;
    }
  }

  Ahead lines_ahead(std::int64_t x_pixel, std::int64_t dy_pixel) const {
    const std::int64_t channels = work_.p.c_in, calls = ceil_div(channels, lanes);
    const std::int64_t x_end = work_.p.n * work_.p.h * work_.p.w, dy_end = work_.p.n * work_.out_h * work_.out_w;
    const auto lines = [&](const float* image, std::int64_t pixel, std::int64_t pixels, std::int64_t end) {
      if (image == nullptr || pixel < 0) return LinesAhead(nullptr, nullptr, 1);
      return LinesAhead(image + pixel * channels, image + min64(pixel + pixels, end) * channels, calls);
    };
    const SourceImages x(work_.x), dy(work_.dy);
    const std::int64_t dy_pixels = tile_pixels_ / work_.p.stride_w;
    return {{lines(x.images[0], x_pixel, tile_pixels_, x_end), lines(dy.images[0], dy_pixel, dy_pixels, dy_end),
             lines(dy.images[1], dy_pixel, dy_pixels, dy_end)}};
  }

  /// Step 3; `pixel`: the first, of all images' pixels.
  void finish(const Tile& tile, std::int64_t pixel) {
    const std::int64_t channels = tile.channels;
    float* out = work_.dx + pixel * channels;
    if (sums_.are_wanted()) {
      const float* x = sums_.x + pixel * channels;
      for_each_strip(channels, [&]<int vectors>(auto part, std::int64_t c) {
        if (work_.past_caches) {
          sum_strip<vectors, true>(part, sums_, c, tile.dx, x, tile.pixels, channels, out);
        } else {
          sum_strip<vectors, false>(part, sums_, c, tile.dx, x, tile.pixels, channels, out);
        }
      });
      sums_.is_first = false;
    } else if (work_.past_caches) {
      for (std::int64_t i = 0; i < tile.pixels * channels; i += lanes) store_past_caches(out + i, load(tile.dx + i));
    }
  }

  const Work& work_;
  StoreSums sums_;
  float* const dw_;
  const std::int64_t tile_pixels_;
  float* const room_;  // x of a tile, dx of a tile, the ring
  const Ring ring_;
};

std::int64_t rows_of_task(const ConvProblem& p) { return max64(1, min64(most_task_rows, p.n * p.h / least_tasks)); }
std::int64_t task_count(const ConvProblem& p) { return ceil_div(p.n * p.h, rows_of_task(p)); }

/// dw from the tasks' sums, added in their order.
void join_sums(const ConvProblem& p, const float* sums, std::int64_t tasks, float* dw) {
  const std::int64_t stride = padded(p.c_in), count = kernel_taps * stride;
  constexpr std::int64_t chunk = 16 * cache_line_floats;
  parallel_chunks(count, chunk, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; i += lanes) {
      Vec sum = {};
      for (std::int64_t task = 0; task < tasks; ++task) sum += load(sums + task * count + i);
      const std::int64_t tap = i / stride, first = i % stride;
      for (std::int64_t c = first; c < min64(first + lanes, p.c_in); ++c) dw[c * kernel_taps + tap] = sum[c - first];
    }
  });
}

}  // namespace

std::int64_t depthwise_backward_scratch(const ConvProblem& p) {
  return (1 + task_count(p)) * kernel_taps * padded(p.c_in);
}

void depthwise_backward(const ConvProblem& p, const PixelSource& x, const PixelSource& dy, const float* w,
                        float* scratch, float* dx, OutputSums* wanted, float* dw) {
  const std::int64_t stride = padded(p.c_in), count = kernel_taps * stride, rows = p.n * p.h, tasks = task_count(p);
  float* task_sums = scratch + count;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t tap = i / stride, c = i % stride;
    scratch[i] = c < p.c_in ? w[c * kernel_taps + tap] : 0;
  }
  const bool past_caches = belongs_past_caches(dx, rows * p.w * p.c_in, p.c_in, larger_than_l2);
  const Work work = {p, x, dy, p.out_h(), p.out_w(), scratch, past_caches, dx};
  const PartSums sums = begin_sums(wanted, tasks);  // gradients', always
  parallel_chunks(rows, rows_of_task(p), [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t task = begin / rows_of_task(p);
    if (sums.pixels != nullptr) sums.pixels[task] = (end - begin) * p.w;
    float* of_task = task_sums + task * count;
    for (std::int64_t i = 0; i < count; ++i) of_task[i] = 0;
    Task(work, sums_of_part(sums, task, 0, true), of_task).run(begin, end);
    stream_fence();
  });
  join_sums(p, task_sums, tasks, dw);
}

}  // namespace weft::kernels::WEFT_ISA
