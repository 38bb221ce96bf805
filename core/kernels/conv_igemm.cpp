#include "core/kernels/conv_igemm.h"

#include <algorithm>

#include "core/allocator.h"
#include "core/kernels/conv_grids.h"
#include "core/kernels/isa.h"

namespace weft::kernels {
namespace {

std::int64_t packed_floats_of(const TapGrid& grid) {
  return (grid.out_c + 15) / 16 * 16 * grid.source_c * grid.tap_count;
}

void run_grid(const TapGrid& grid, const float* source, const float* packed, const ConvEpilogue<float>& epilogue,
              float* out) {
  ScratchBuffer scratch(static_cast<std::size_t>(grid.source_c) * sizeof(float));
  float* zeros = scratch.as<float>();
  std::fill(zeros, zeros + grid.source_c, 0.0f);
  isa_kernels().conv_taps(grid, source, packed, epilogue, zeros, out);
}

/// Pixels of a pointwise problem have no neighbours: one long row of them has the fewest borders.
ConvProblem flattened(ConvProblem p) {
  const bool is_pointwise =
      p.kernel_h == 1 && p.kernel_w == 1 && p.stride_h == 1 && p.stride_w == 1 && p.padding_h == 0 && p.padding_w == 0;
  if (is_pointwise) {
    p.w *= p.n * p.h;
    p.n = p.h = 1;
  }
  return p;
}

}  // namespace

bool conv_igemm_supports(const ConvProblem& p) { return p.groups == 1; }

std::int64_t conv_igemm_packed_floats(const ConvProblem& p) {
  const GridWithTaps grid = forward_grid(p);
  return packed_floats_of(grid.view());
}

void conv_igemm_pack(const ConvProblem& p, const float* w, float* packed) {
  const GridWithTaps grid = forward_grid(p);
  isa_kernels().pack_taps(grid.view(), w, packed);
}

void conv_igemm_forward(const ConvProblem& p, const float* x, const float* packed, const ConvEpilogue<float>& epilogue,
                        float* y) {
  const GridWithTaps grid = forward_grid(flattened(p));
  run_grid(grid.view(), x, packed, epilogue, y);
}

void conv_igemm_forward_rows(const ConvProblem& p, const float* x, std::int64_t x_row, std::int64_t x_rows,
                             const float* packed, const ConvEpilogue<float>& epilogue, std::int64_t row,
                             std::int64_t rows, float* y) {
  GridWithTaps grid = forward_grid(p);
  grid.shape.source_h = x_rows;
  grid.shape.grid_h = grid.shape.out_h = rows;
  for (Tap& tap : grid.taps) tap.row += row * p.stride_h - x_row;
  run_grid(grid.view(), x, packed, epilogue, y);
}

void conv_igemm_input_gradient(const ConvProblem& p, const float* dy, const float* w,
                               const ConvEpilogue<float>& epilogue, float* dx) {
  const std::vector<GridWithTaps> grids = input_gradient_grids(flattened(p));
  ConvEpilogue<float> end = epilogue;
  if (grids.size() > 1) end.sums = nullptr;  // each would begin
  const bool adds_in_place = end.residual == dx && end.bias == nullptr && !clips(end.clamp);
  for (const GridWithTaps& grid : grids) {
    if (adds_in_place && grid.taps.empty() && end.sums == nullptr) continue;  // nothing to add to these pixels
    ScratchBuffer packed(static_cast<std::size_t>(packed_floats_of(grid.view())) * sizeof(float));
    isa_kernels().pack_taps(grid.view(), w, packed.as<float>());
    run_grid(grid.view(), dy, packed.as<float>(), end, dx);
  }
}

void conv_igemm_weight_gradient(const ConvProblem& problem, const float* x, const float* dy, float* dw) {
  const ConvProblem p = flattened(problem);
  if (p.output_count() == 0) {
    std::fill(dw, dw + p.weight_count(), 0.0f);
    return;
  }
  const IsaKernels& isa = isa_kernels();
  ScratchBuffer scratch(static_cast<std::size_t>(isa.conv_weight_gradient_scratch(p)) * sizeof(float));
  isa.conv_weight_gradient(p, x, dy, scratch.as<float>(), dw);
}

}  // namespace weft::kernels
