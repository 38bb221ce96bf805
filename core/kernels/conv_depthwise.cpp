#include "core/kernels/conv_depthwise.h"

#include <algorithm>
#include <vector>

#include "core/allocator.h"
#include "core/kernels/conv_grids.h"
#include "core/kernels/isa.h"

namespace weft::kernels {
namespace {

void run_phases(const std::vector<GridWithTaps>& phases, const float* source, const float* w,
                const ConvEpilogue<float>& epilogue, float* out) {
  if (phases.empty()) return;  // of an empty image
  std::vector<TapGrid> grids;
  std::int64_t taps = 0;
  for (const GridWithTaps& phase : phases) {
    grids.push_back(phase.view());
    taps += grids.back().tap_count;
  }
  const std::int64_t channels = (grids[0].out_c + 15) / 16 * 16;
  ScratchBuffer packed(static_cast<std::size_t>(channels * taps) * sizeof(float));
  isa_kernels().depthwise_taps(grids.data(), static_cast<std::int64_t>(grids.size()), source, w, epilogue,
                               packed.as<float>(), out);
}

}  // namespace

bool conv_depthwise_supports(const ConvProblem& p) { return p.groups == p.c_in && p.groups == p.c_out; }

std::int64_t conv_depthwise_packed_floats(const ConvProblem& p) { return p.weight_count(); }

void conv_depthwise_pack(const ConvProblem& p, const float* w, float* packed) {
  std::copy_n(w, p.weight_count(), packed);
}

void conv_depthwise_forward(const ConvProblem& p, const float* x, const float* w, const ConvEpilogue<float>& epilogue,
                            float* y) {
  run_phases({forward_grid(p)}, x, w, epilogue, y);
}

void conv_depthwise_input_gradient(const ConvProblem& p, const float* dy, const float* w,
                                   const ConvEpilogue<float>& epilogue, float* dx) {
  std::vector<GridWithTaps> phases = input_gradient_grids(p);
  // From left to right: neighbouring taps then share what they load.
  for (GridWithTaps& phase : phases) {
    std::stable_sort(phase.taps.begin(), phase.taps.end(),
                     [](const Tap& a, const Tap& b) { return a.row != b.row ? a.row < b.row : a.col < b.col; });
  }
  ConvEpilogue<float> end = epilogue;
  end.sums = nullptr;  // of a gradient: see docs/kernels.md, section 8
  run_phases(phases, dy, w, end, dx);
}

void conv_depthwise_weight_gradient(const ConvProblem& p, const float* x, const float* dy, float* dw) {
  const GridWithTaps grid = forward_grid(p);
  const IsaKernels& isa = isa_kernels();
  ScratchBuffer scratch(static_cast<std::size_t>(isa.depthwise_weight_gradient_scratch(grid.view())) * sizeof(float));
  isa.depthwise_weight_gradient(grid.view(), x, dy, scratch.as<float>(), dw);
}

}  // namespace weft::kernels
