#pragma once
// 3x3 convolution with stride 2 and padding 1 by minimal filtering: 25 multiplications for 2x2 outputs and a channel
// pair instead of 36, and as many for its gradients. Exact on integers: only sums and differences are taken.
// core/kernels/isa/winograd_forms.h has the forms; specification and test: core/kernels/reference/conv2d.h.

#include "core/kernels/conv.h"

namespace weft::kernels {

/// 3x3, stride 2, padding 1, no dilation, one group, and at least 8 channels on both sides.
bool conv_strided_supports(const ConvProblem& p);
std::int64_t conv_strided_packed_floats(const ConvProblem& p);
void conv_strided_pack(const ConvProblem& p, const float* w, float* packed);
void conv_strided_forward(const ConvProblem& p, const float* x, const float* packed,
                          const ConvEpilogue<float>& epilogue, float* y);
void conv_strided_input_gradient(const ConvProblem& p, const float* dy, const float* w,
                                 const ConvEpilogue<float>& epilogue, float* dx);
void conv_strided_weight_gradient(const ConvProblem& p, const float* x, const float* dy, float* dw);

}  // namespace weft::kernels
