#include "core/kernels/conv_igemm.h"

#include <algorithm>
#include <vector>

#include "core/allocator.h"
#include "core/kernels/isa.h"

namespace weft::kernels {
namespace {

void run_grid(TapGrid grid, const std::vector<Tap>& taps, const float* source, const float* w, const ConvEpilogue<float>& epilogue, float* out) {
  grid.taps = taps.data();
  grid.tap_count = static_cast<std::int64_t>(taps.size());
  const std::int64_t packed_floats = (grid.out_c + 15) / 16 * 16 * grid.source_c * grid.tap_count;
  ScratchBuffer scratch(static_cast<std::size_t>(packed_floats + grid.source_c) * sizeof(float));
  float* packed = scratch.as<float>();
  float* zeros = packed + packed_floats;
  std::fill(zeros, zeros + grid.source_c, 0.0f);
  isa_kernels().conv_taps(grid, source, w, epilogue, zeros, packed, out);
}

bool is_pointwise(const ConvProblem& p) {
  return p.kernel_h == 1 && p.kernel_w == 1 && p.stride_h == 1 && p.stride_w == 1 && p.padding_h == 0 && p.padding_w == 0;
}

/// Pixels of a pointwise problem have no neighbours: one long row has the fewest borders.
ConvProblem without_rows(ConvProblem p) {
  p.w *= p.n * p.h;
  p.n = p.h = 1;
  return p;
}

/// The taps along one axis that reach input positions of phase r (position mod stride = r): position stride t + r
/// receives output t + shift through the kernel's element.
struct AxisTap {
  std::int64_t element, shift;
};
std::vector<AxisTap> phase_taps(std::int64_t phase, std::int64_t kernel, std::int64_t stride, std::int64_t padding, std::int64_t dilation) {
  std::vector<AxisTap> taps;
  for (std::int64_t element = 0; element < kernel; ++element) {
    const std::int64_t distance = phase + padding - element * dilation;
    if (distance % stride == 0) taps.push_back({element, distance / stride});
  }
  return taps;
}

}  // namespace

bool conv_igemm_supports(const ConvProblem& p) { return p.groups == 1; }

void conv_igemm_forward(const ConvProblem& problem, const float* x, const float* w, const ConvEpilogue<float>& epilogue, float* y) {
  const ConvProblem p = is_pointwise(problem) ? without_rows(problem) : problem;
  const std::int64_t elements = p.kernel_h * p.kernel_w;
  TapGrid grid = {};
  grid.images = p.n;
  grid.source_h = p.h, grid.source_w = p.w, grid.source_c = p.c_in;
  grid.step_h = p.stride_h, grid.step_w = p.stride_w;
  grid.grid_h = grid.out_h = p.out_h();
  grid.grid_w = grid.out_w = p.out_w();
  grid.out_c = p.c_out;
  grid.out_step_h = grid.out_step_w = 1;
  grid.weight_step_k = elements;
  grid.weight_step_n = p.c_in * elements;
  std::vector<Tap> taps;
  for (std::int64_t u = 0; u < p.kernel_h; ++u) {
    for (std::int64_t v = 0; v < p.kernel_w; ++v) {
      taps.push_back({u * p.dilation_h - p.padding_h, v * p.dilation_w - p.padding_w, u * p.kernel_w + v});
    }
  }
  run_grid(grid, taps, x, w, epilogue, y);
}

void conv_igemm_input_gradient(const ConvProblem& problem, const float* dy, const float* w, float* dx) {
  const ConvProblem p = is_pointwise(problem) ? without_rows(problem) : problem;
  const std::int64_t elements = p.kernel_h * p.kernel_w;
  TapGrid grid = {};
  grid.images = p.n;
  grid.source_h = p.out_h(), grid.source_w = p.out_w(), grid.source_c = p.c_out;
  grid.step_h = grid.step_w = 1;
  grid.out_h = p.h, grid.out_w = p.w, grid.out_c = p.c_in;
  grid.out_step_h = p.stride_h, grid.out_step_w = p.stride_w;
  grid.weight_step_k = p.c_in * elements;
  grid.weight_step_n = elements;
  for (std::int64_t row = 0; row < std::min(p.stride_h, p.h); ++row) {
    for (std::int64_t col = 0; col < std::min(p.stride_w, p.w); ++col) {
      grid.out_row = row, grid.out_col = col;
      grid.grid_h = (p.h - row + p.stride_h - 1) / p.stride_h;
      grid.grid_w = (p.w - col + p.stride_w - 1) / p.stride_w;
      std::vector<Tap> taps;
      for (const AxisTap& u : phase_taps(row, p.kernel_h, p.stride_h, p.padding_h, p.dilation_h)) {
        for (const AxisTap& v : phase_taps(col, p.kernel_w, p.stride_w, p.padding_w, p.dilation_w)) {
          taps.push_back({u.shift, v.shift, u.element * p.kernel_w + v.element});
        }
      }
      run_grid(grid, taps, dy, w, {}, dx);
    }
  }
}

void conv_igemm_weight_gradient(const ConvProblem& problem, const float* x, const float* dy, float* dw) {
  const ConvProblem p = is_pointwise(problem) ? without_rows(problem) : problem;
  if (p.output_count() == 0) {
    std::fill(dw, dw + p.weight_count(), 0.0f);
    return;
  }
  const IsaKernels& isa = isa_kernels();
  ScratchBuffer scratch(static_cast<std::size_t>(isa.conv_weight_gradient_scratch(p)) * sizeof(float));
  isa.conv_weight_gradient(p, x, dy, scratch.as<float>(), dw);
}

}  // namespace weft::kernels
