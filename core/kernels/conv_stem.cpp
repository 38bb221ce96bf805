#include "core/kernels/conv_stem.h"

#include "core/allocator.h"
#include "core/kernels/conv_igemm.h"
#include "core/kernels/isa.h"

namespace weft::kernels {
namespace {

constexpr std::int64_t max_channels = 4;

}  // namespace

bool conv_stem_supports(const ConvProblem& p) {
  return p.kernel_h == 7 && p.kernel_w == 7 && p.stride_h == 2 && p.stride_w == 2 && p.padding_h == 3 &&
         p.padding_w == 3 && p.dilation_h == 1 && p.dilation_w == 1 && p.groups == 1 && p.c_in >= 1 &&
         p.c_in <= max_channels && p.output_count() > 0;
}

std::int64_t conv_stem_packed_floats(const ConvProblem& p) { return isa_kernels().stem_packed_floats(p); }

void conv_stem_pack(const ConvProblem& p, const float* w, float* packed) { isa_kernels().stem_pack(p, w, packed); }

void conv_stem_forward(const ConvProblem& p, const float* x, const float* packed, const ConvEpilogue<float>& epilogue,
                       float* y) {
  isa_kernels().stem_forward(p, x, packed, epilogue, y);
}

void conv_stem_input_gradient(const ConvProblem& p, const float* dy, const float* w,
                              const ConvEpilogue<float>& epilogue, float* dx) {
  conv_igemm_input_gradient(p, dy, w, epilogue, dx);
}

void conv_stem_weight_gradient(const ConvProblem& p, const float* x, const float* dy, float* dw) {
  const IsaKernels& isa = isa_kernels();
  ScratchBuffer scratch(static_cast<std::size_t>(isa.stem_weight_gradient_scratch(p)) * sizeof(float));
  isa.stem_weight_gradient(p, x, dy, scratch.as<float>(), dw);
}

}  // namespace weft::kernels
