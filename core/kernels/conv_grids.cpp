#include "core/kernels/conv_grids.h"

#include <algorithm>
#include <utility>

namespace weft::kernels {
namespace {

/// Along one axis, element u of the kernel takes output t + shift to position stride t + phase of the input.
struct AxisTap {
  std::int64_t element, shift;
};

std::vector<AxisTap> phase_taps(std::int64_t phase, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                                std::int64_t dilation) {
  std::vector<AxisTap> taps;
  for (std::int64_t element = 0; element < kernel; ++element) {
    const std::int64_t distance = phase + padding - element * dilation;
    if (distance % stride == 0) taps.push_back({element, distance / stride});
  }
  return taps;
}

}  // namespace

TapGrid GridWithTaps::view() const {
  TapGrid grid = shape;
  grid.taps = taps.data();
  grid.tap_count = static_cast<std::int64_t>(taps.size());
  return grid;
}

GridWithTaps forward_grid(const ConvProblem& p) {
  GridWithTaps grid = {};
  TapGrid& s = grid.shape;
  s.images = p.n;
  s.source_h = p.h, s.source_w = p.w, s.source_c = p.c_in;
  s.step_h = p.stride_h, s.step_w = p.stride_w;
  s.grid_h = s.out_h = p.out_h();
  s.grid_w = s.out_w = p.out_w();
  s.out_c = p.c_out;
  s.out_step_h = s.out_step_w = 1;
  s.weight_step_k = p.kernel_h * p.kernel_w;
  s.weight_step_n = p.c_in / p.groups * s.weight_step_k;
  for (std::int64_t u = 0; u < p.kernel_h; ++u) {
    for (std::int64_t v = 0; v < p.kernel_w; ++v) {
      grid.taps.push_back({u * p.dilation_h - p.padding_h, v * p.dilation_w - p.padding_w, u * p.kernel_w + v});
    }
  }
  return grid;
}

std::vector<GridWithTaps> input_gradient_grids(const ConvProblem& p) {
  std::vector<GridWithTaps> grids;
  for (std::int64_t row = 0; row < std::min(p.stride_h, p.h); ++row) {
    for (std::int64_t col = 0; col < std::min(p.stride_w, p.w); ++col) {
      GridWithTaps grid = {};
      TapGrid& s = grid.shape;
      s.images = p.n;
      s.source_h = p.out_h(), s.source_w = p.out_w(), s.source_c = p.c_out;
      s.step_h = s.step_w = 1;
      s.grid_h = (p.h - row + p.stride_h - 1) / p.stride_h;
      s.grid_w = (p.w - col + p.stride_w - 1) / p.stride_w;
      s.out_h = p.h, s.out_w = p.w, s.out_c = p.c_in;
      s.out_row = row, s.out_col = col;
      s.out_step_h = p.stride_h, s.out_step_w = p.stride_w;
      s.weight_step_n = p.kernel_h * p.kernel_w;
      s.weight_step_k = p.c_in / p.groups * s.weight_step_n;
      for (const AxisTap& u : phase_taps(row, p.kernel_h, p.stride_h, p.padding_h, p.dilation_h)) {
        for (const AxisTap& v : phase_taps(col, p.kernel_w, p.stride_w, p.padding_w, p.dilation_w)) {
          grid.taps.push_back({u.shift, v.shift, u.element * p.kernel_w + v.element});
        }
      }
      grids.push_back(std::move(grid));
    }
  }
  return grids;
}

}  // namespace weft::kernels
