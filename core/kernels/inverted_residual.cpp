#include "core/kernels/inverted_residual.h"

#include "core/allocator.h"
#include "core/kernels/isa.h"

namespace weft::kernels {

std::int64_t InvertedResidualProblem::out_h() const { return (h - 1) / stride + 1; }
std::int64_t InvertedResidualProblem::out_w() const { return (w - 1) / stride + 1; }

std::int64_t InvertedResidualProblem::multiply_adds() const {
  const std::int64_t expand = has_expansion ? n * h * w * c_in * c_mid : 0;
  return expand + n * out_h() * out_w() * c_mid * (9 + c_out);
}

std::int64_t inverted_residual_packed_floats(const InvertedResidualProblem& p) {
  return isa_kernels().inverted_residual_packed_floats(p);
}

void inverted_residual_pack(const InvertedResidualProblem& p, const InvertedResidualWeights& weights, float* packed) {
  isa_kernels().inverted_residual_pack(p, weights, packed);
}

void inverted_residual_forward(const InvertedResidualProblem& p, const float* x, const float* packed, float* y) {
  const IsaKernels& isa = isa_kernels();
  ScratchBuffer scratch(static_cast<std::size_t>(isa.inverted_residual_scratch(p)) * sizeof(float));
  isa.inverted_residual(p, x, packed, scratch.as<float>(), y);
}

}  // namespace weft::kernels
