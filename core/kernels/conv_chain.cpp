#include "core/kernels/conv_chain.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include "core/allocator.h"
#include "core/check.h"
#include "core/kernels/conv_igemm.h"
#include "core/kernels/conv_upsample.h"
#include "core/kernels/conv_winograd.h"
#include "core/parallel.h"

namespace weft::kernels {
namespace {

// Rows. A run of a shared image makes up to twelve more for its neighbours.
constexpr std::int64_t least_rows = 48, least_shared_run = 192;
constexpr std::int64_t tiles_at_once = 2;  // rows of tiles: with one, strips of tiles end unfilled more often

bool is_upsampling(const ConvStep& step) { return step.algorithm == nullptr; }

/// Nothing for an upsampling step, and for one by another algorithm.
std::optional<WinogradForm> winograd_form(const ConvStep& step) {
  return is_upsampling(step) ? std::nullopt : conv_winograd_form(*step.algorithm);
}

/// Rows that a step makes at once: one that upsamples or is Winograd's.
std::int64_t tile_of(const ConvStep& step) {
  if (is_upsampling(step)) return upsample_conv_tile(UpsampleConvProblem::of_joined(step.problem));
  return conv_winograd_tile(*winograd_form(step));
}

bool keeps_size(const ConvProblem& p) {
  return p.kernel_h == 3 && p.kernel_w == 3 && p.stride_h == 1 && p.stride_w == 1 && p.padding_h == 1 &&
         p.padding_w == 1 && p.dilation_h == 1 && p.dilation_w == 1;
}

/// Runs of rows that an image is cut into: as many of all images for each thread.
std::int64_t runs_of_image(const ConvProblem& p) {
  const std::int64_t threads = threads_to_share();
  return threads / std::gcd(threads, p.n);
}

/// Some rows of an image.
struct Rows {
  const float* data;
  std::int64_t begin, count;
};

/// A step whose rows are made as they are asked for, in one image and from top to bottom.
class Stage {
 public:
  /// `before` makes what this one reads, and may be null: then it reads the whole image x. The buffer holds
  /// `most_rows`.
  Stage(const ConvStep& step, Stage* before, const float* x, std::int64_t most_rows)
      : step_(step),
        before_(before),
        x_(x),
        tile_(tile_of(step)),
        row_floats_(step.problem.w * step.problem.c_out),
        capacity_(most_rows),
        buffer_(static_cast<std::size_t>(capacity_ * row_floats_) * sizeof(float)) {}

  /// Rows from `begin` or before to `end` or behind; no row before `begin` may be asked for later.
  Rows bring(std::int64_t begin, std::int64_t end) {
    if (count_ == 0) begin_ = begin / tile_ * tile_;
    while (begin_ + count_ < end) {
      const std::int64_t row = begin_ + count_, tiles = std::min(tiles_at_once, (end - row + tile_ - 1) / tile_);
      const std::int64_t rows = std::min(tiles * tile_, step_.problem.h - row);
      if (count_ + rows > capacity_) forget_before(begin);
      WEFT_CHECK(count_ + rows <= capacity_, "[conv_chain] {} rows do not fit after {} of {}", rows, count_, capacity_);
      make(row, rows);
      count_ += rows;
    }
    return {buffer_.as<float>(), begin_, count_};
  }

 private:
  void forget_before(std::int64_t row) {
    float* const rows = buffer_.as<float>();
    const std::int64_t gone = std::min(row - begin_, count_);
    std::copy(rows + gone * row_floats_, rows + count_ * row_floats_, rows);
    begin_ += gone, count_ -= gone;
  }

  void make(std::int64_t row, std::int64_t rows) {
    const ConvProblem& p = step_.problem;
    const ConvEpilogue<float> epilogue = {step_.bias, nullptr, step_.clamp};
    float* const y = buffer_.as<float>() + count_ * row_floats_;
    if (is_upsampling(step_))
      return upsample_conv_forward_rows(UpsampleConvProblem::of_joined(p), x_, step_.packed, epilogue, row, rows, y);
    const Rows x = before_ == nullptr
                       ? Rows{x_, 0, p.h}
                       : before_->bring(std::max<std::int64_t>(0, row - 1), std::min(p.h, row + rows + 1));
    conv_winograd_forward_rows(*winograd_form(step_), p, x.data, x.begin, x.count, step_.packed, epilogue, row, rows,
                               y);
  }

  const ConvStep& step_;
  Stage* const before_;
  const float* const x_;
  const std::int64_t tile_, row_floats_, capacity_;  // rows in a tile, floats in a row, rows in the buffer
  const ScratchBuffer buffer_;
  std::int64_t begin_ = 0, count_ = 0;  // the rows in the buffer
};

/// Rows that the buffer of stage i needs: those that the next one's tiles meet, and the rest of the tiles here in which
/// they end. y's rows end one before tiles of the last stage do.
std::int64_t most_rows(std::span<const ConvStep> steps, std::size_t i) {
  const bool is_last = i + 2 == steps.size();
  return tiles_at_once * tile_of(steps[is_last ? i : i + 1]) + 2 + (is_last ? 0 : tile_of(steps[i]) - 1);
}

/// Rows [begin, end) of y, for one image.
void run_rows(std::span<const ConvStep> steps, const float* x, std::int64_t begin, std::int64_t end, float* y) {
  const ConvStep& last = steps.back();
  std::vector<std::unique_ptr<Stage>> stages;
  for (std::size_t i = 0; i + 1 < steps.size(); ++i) {
    stages.push_back(std::make_unique<Stage>(steps[i], i > 0 ? stages.back().get() : nullptr, x, most_rows(steps, i)));
  }
  const std::int64_t tile = tile_of(steps[steps.size() - 2]), height = last.problem.h;
  for (std::int64_t row = begin, next; row < end; row = next) {
    const std::int64_t available = std::min(height, ((row + 1) / tile + tiles_at_once) * tile);
    next = std::min(end, available < height ? available - 1 : height);
    const Rows h = stages.back()->bring(std::max<std::int64_t>(0, row - 1), std::min(height, next + 1));
    conv_igemm_forward_rows(last.problem, h.data, h.begin, h.count, last.packed, {last.bias, nullptr, last.clamp},
                            row, next - row, y + row * last.problem.w * last.problem.c_out);
  }
}

}  // namespace

bool conv_chain_fits(std::span<const ConvStep> steps) {
  if (steps.size() < 2) return false;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const ConvStep& step = steps[i];
    const bool is_last = i + 1 == steps.size();
    const bool is_right_kind = is_last ? !is_upsampling(step) && step.algorithm->forward == conv_igemm_forward
                                       : (i == 0 && is_upsampling(step)) || winograd_form(step).has_value();
    if (!is_right_kind || !keeps_size(step.problem)) return false;
    if (i > 0 && step.problem.c_in != steps[i - 1].problem.c_out) return false;
  }
  const ConvProblem& p = steps[0].problem;
  return p.h >= least_rows && (!is_upsampling(steps[0]) || (p.h % 2 == 0 && p.w % 2 == 0));
}

bool conv_chain_supports(std::span<const ConvStep> steps) {
  if (!conv_chain_fits(steps)) return false;
  const ConvProblem& p = steps[0].problem;
  const std::int64_t runs = runs_of_image(p);
  if (runs == 1) return true;
  // Before an upsampling step, or a third one, runs make tiles' rows for each other whose first and last rows alone are
  // read: with 32 -> 16 -> 16 -> 1 channels two threads take 7 % longer than with the first step done before.
  return !is_upsampling(steps[0]) && steps.size() == 2 && p.h >= least_shared_run * runs;
}

void conv_chain_forward(std::span<const ConvStep> steps, const float* x, float* y) {
  const ConvProblem first = steps.front().problem, last = steps.back().problem;
  const std::int64_t x_floats = first.h * first.w * first.c_in / (is_upsampling(steps.front()) ? 4 : 1);
  const std::int64_t runs = runs_of_image(first), tile = tile_of(steps[steps.size() - 2]);
  const std::int64_t tile_rows = (first.h - 1) / tile + 1;
  std::vector<ConvStep> of_one(steps.begin(), steps.end());
  for (ConvStep& step : of_one) step.problem.n = 1;
  parallel_for(first.n * runs, [&](std::int64_t task) {
    const std::int64_t image = task / runs, run = task % runs;
    run_rows(of_one, x + image * x_floats, tile_rows * run / runs * tile,
             std::min(first.h, tile_rows * (run + 1) / runs * tile), y + image * first.h * first.w * last.c_out);
  });
}

}  // namespace weft::kernels
