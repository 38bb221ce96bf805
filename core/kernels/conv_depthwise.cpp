#include "core/kernels/conv_depthwise.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <vector>

#include "core/allocator.h"
#include "core/kernels/conv_grids.h"
#include "core/kernels/isa.h"
#include "core/kernels/joined_rows.h"

namespace weft::kernels {
namespace {

std::size_t bytes(std::int64_t floats) { return static_cast<std::size_t>(floats) * sizeof(float); }

/// A source whose numbers for each channel lie where vectors begin at cache lines.
struct AlignedSource {
  PixelSource source;
  std::optional<PerChannel> numbers;

  explicit AlignedSource(const PixelSource& from) : source(from) {
    BatchNormBackward<float>& b = source.norm;
    if (source.kind == PixelSource::Kind::normalised) {
      const PerChannel& n = numbers.emplace(source.channels, 1, std::initializer_list{b.factor, b.offset});
      b.factor = n[0], b.offset = n[1];
    } else if (source.kind == PixelSource::Kind::gradient) {
      const PerChannel& n =
          numbers.emplace(source.channels, 1, std::initializer_list{b.factor, b.mean, source.shift, source.stretch});
      b.factor = n[0], b.mean = n[1], source.shift = n[2], source.stretch = n[3];
    }
  }
};

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
  ScratchBuffer packed(bytes(channels * taps));
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
  ScratchBuffer scratch(bytes(isa.depthwise_weight_gradient_scratch(grid.view())));
  isa.depthwise_weight_gradient(grid.view(), x, dy, scratch.as<float>(), dw);
}

void conv_depthwise_forward(const ConvProblem& p, const PixelSource& x, const float* w,
                            const ConvEpilogue<float>& epilogue, float* y) {
  const GridWithTaps grid = forward_grid(p);
  const TapGrid view = grid.view();
  const AlignedSource aligned(x);
  ScratchBuffer packed(bytes(padded_to_lines(p.c_out) * view.tap_count));
  isa_kernels().depthwise_forward(view, aligned.source, w, epilogue, packed.as<float>(), y);
}

bool conv_depthwise_backward_supports(const ConvProblem& p) {
  return conv_depthwise_supports(p) && p.kernel_h == 3 && p.kernel_w == 3 && p.padding_h == 1 && p.padding_w == 1 &&
         p.dilation_h == 1 && p.dilation_w == 1 && p.stride_h == p.stride_w && (p.stride_h == 1 || p.stride_h == 2);
}

void conv_depthwise_backward(const ConvProblem& p, const PixelSource& x, const PixelSource& dy, const float* w,
                             float* dx, OutputSums* sums, float* dw) {
  const IsaKernels& isa = isa_kernels();
  const AlignedSource aligned_x(x), aligned_dy(dy);
  ScratchBuffer scratch(bytes(isa.depthwise_backward_scratch(p)));
  isa.depthwise_backward(p, aligned_x.source, aligned_dy.source, w, scratch.as<float>(), dx, sums, dw);
}

}  // namespace weft::kernels
