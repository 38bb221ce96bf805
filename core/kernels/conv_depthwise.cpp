#include "core/kernels/conv_depthwise.h"

#include <algorithm>

#include "core/allocator.h"
#include "core/kernels/conv_grids.h"
#include "core/kernels/isa.h"

namespace weft::kernels {
namespace {

void run_grid(const TapGrid& grid, const float* source, const float* w, const ConvEpilogue<float>& epilogue,
              float* out) {
  ScratchBuffer packed(static_cast<std::size_t>((grid.out_c + 15) / 16 * 16 * grid.tap_count) * sizeof(float));
  isa_kernels().depthwise_taps(grid, source, w, epilogue, packed.as<float>(), out);
}

}  // namespace

bool conv_depthwise_supports(const ConvProblem& p) { return p.groups == p.c_in && p.groups == p.c_out; }

std::int64_t conv_depthwise_packed_floats(const ConvProblem& p) { return p.weight_count(); }

void conv_depthwise_pack(const ConvProblem& p, const float* w, float* packed) {
  std::copy_n(w, p.weight_count(), packed);
}

void conv_depthwise_forward(const ConvProblem& p, const float* x, const float* w, const ConvEpilogue<float>& epilogue,
                            float* y) {
  const GridWithTaps grid = forward_grid(p);
  run_grid(grid.view(), x, w, epilogue, y);
}

void conv_depthwise_input_gradient(const ConvProblem& p, const float* dy, const float* w, float* dx) {
  for (const GridWithTaps& grid : input_gradient_grids(p)) run_grid(grid.view(), dy, w, {}, dx);
}

void conv_depthwise_weight_gradient(const ConvProblem& p, const float* x, const float* dy, float* dw) {
  const GridWithTaps grid = forward_grid(p);
  const IsaKernels& isa = isa_kernels();
  ScratchBuffer scratch(static_cast<std::size_t>(isa.depthwise_weight_gradient_scratch(grid.view())) * sizeof(float));
  isa.depthwise_weight_gradient(grid.view(), x, dy, scratch.as<float>(), dw);
}

}  // namespace weft::kernels
