#pragma once
// 7x7 convolution with stride 2 of an image of few channels, the first layer of ResNet, by minimal filtering: each 3x5
// tile of outputs costs 165 multiplications a channel pair instead of 735.
//
//   Y = A' [ (G g G') . (B' d B) ] A          d: 11x15 inputs, g: 7x7 filter
//
// core/kernels/isa/stem_form.h has the mathematics. The weight gradient sums over tiles in the transformed domain,
// of 3x3 outputs there; the input gradient, which a first layer never needs, is the implicit matrix product's.
//
// Not exact on integers: its error is some 2e-6 of the output's range, and 1e-6 of the weight gradient's.
// The loops are in core/kernels/isa/conv_stem.cpp; specification and test: core/kernels/reference/conv2d.h.

#include "core/kernels/conv.h"

namespace weft::kernels {

/// 7x7, stride 2, padding 3, no dilation, one group, and up to 4 input channels.
bool conv_stem_supports(const ConvProblem& p);
std::int64_t conv_stem_packed_floats(const ConvProblem& p);
void conv_stem_pack(const ConvProblem& p, const float* w, float* packed);
void conv_stem_forward(const ConvProblem& p, const float* x, const float* packed, const ConvEpilogue<float>& epilogue,
                       float* y);
void conv_stem_input_gradient(const ConvProblem& p, const float* dy, const float* w,
                              const ConvEpilogue<float>& epilogue, float* dx);
void conv_stem_weight_gradient(const ConvProblem& p, const float* x, const float* dy, float* dw);

}  // namespace weft::kernels
