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
//         3. batch norm's sums over the tile, which becomes dz, and is stored past the caches
//
// Of all images only the ring has to stay in L2. depthwise_tile.h has steps 2 and 3.

#include "core/kernels/isa/depthwise_tile.h"
#include "core/kernels/isa/kernels.h"
#include "core/kernels/isa/near_pixels.h"
#include "core/parallel.h"

namespace weft::kernels::WEFT_ISA {
namespace {

constexpr std::int64_t kernel_taps = 9;
constexpr std::int64_t least_tasks = 16, most_task_rows = 32;  // each makes up to two rows of dy again
constexpr std::int64_t tile_floats = 4608, most_tile_pixels = 64;

std::int64_t padded(std::int64_t channels) { return ceil_div(channels, cache_line_floats) * cache_line_floats; }

/// Pixels of a tile: whole blocks.
std::int64_t pixels_of_tile(const ConvProblem& p) {
  return max64(1, min64(most_tile_pixels, tile_floats / p.c_in) / block_pixels) * block_pixels;
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
    const float* made = near_pixels(work_.dy, (image * work_.out_h + row) * work_.out_w + begin, end - begin, to);
    for (std::int64_t i = 0; made != to && i < (end - begin) * work_.p.c_in; ++i) to[i] = made[i];
  }

 private:
  const Work& work_;
  const std::int64_t slots_, slot_floats_;
  float* const room_;
};

/// A thread's work on one task.
class Task {
 public:
  Task(const Work& work, const StoreSums& sums, float* dw)
      : work_(work),
        sums_(sums),
        dw_(dw),
        tile_pixels_(pixels_of_tile(work.p)),
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
      tile.x = near_pixels(work_.x, pixel, tile.pixels, room_);
      tile.dx = work_.past_caches ? room_ + padded(tile_pixels_ * channels) : work_.dx + pixel * channels;
      for (std::int64_t k = 0; k < met.size; ++k) tile.dy[k] = ring_.at(met.begin + k, q / step);
      const Later later = later_tiles(pixel + tile.pixels, dy_pixel + needed);
      (step == 1 ? with_stride_1 : with_stride_2)[met.size - 1](tile, later);
      finish(tile, pixel, later.third_x);
      made = needed;
    }
  }

  /// `x_pixel`, `dy_pixel`: the first that are not made yet.
  Later later_tiles(std::int64_t x_pixel, std::int64_t dy_pixel) const {
    const std::int64_t x_end = work_.p.n * work_.p.h * work_.p.w, dy_end = work_.p.n * work_.out_h * work_.out_w;
    const auto inside = [&](const float* image, std::int64_t pixel, std::int64_t count, std::int64_t end) {
      return image + max64(0, min64(pixel, end - count)) * work_.p.c_in;
    };
    Later later = {};
    const auto add = [&](int i, const float* image, std::int64_t pixel, std::int64_t count, std::int64_t end) {
      later.next[i] = inside(image, pixel, count, end);
      later.to_following[i] = inside(image, pixel + count, count, end) - later.next[i];
    };
    const SourcePixels x(work_.x, 0), dy(work_.dy, 0);
    add(0, x.images[0], x_pixel, tile_pixels_, x_end);
    for (int i = 0; i < 2; ++i) {  // a single image of dy is asked for twice
      const float* image = dy.images[i] != nullptr ? dy.images[i] : dy.images[0];
      add(1 + i, image, dy_pixel, tile_pixels_ / work_.p.stride_w, dy_end);
    }
    later.third_x = inside(x.images[0], x_pixel + 2 * tile_pixels_, tile_pixels_, x_end);
    return later;
  }

  /// Step 3; `pixel`: the first, of all images' pixels.
  void finish(const Tile& tile, std::int64_t pixel, const float* later_x) {
    const std::int64_t channels = tile.channels;
    float* out = work_.past_caches ? work_.dx + pixel * channels : nullptr;
    if (sums_.are_wanted()) {
      sum_tile(sums_, pixel, tile.dx, tile.pixels, channels, later_x, out);
      sums_.is_first = false;
    } else if (out != nullptr) {
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
  join_tap_sums(
      task_sums, tasks, kernel_taps, stride, p.c_in, kernel_taps, [](std::int64_t tap) { return tap; }, dw);
}

}  // namespace weft::kernels::WEFT_ISA
