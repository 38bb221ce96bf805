#pragma once
// 3x3 convolution with stride 1 by Winograd's F(4x4, 3x3): each 4x4 tile of outputs costs 36 multiplications a channel
// pair instead of 144 (Lavin & Gray 2015, arXiv:1509.09308).
//
//   Y = A' [ (G g G') . (B' d B) ] A          d: 6x6 input tile, g: 3x3 filter
//
// The input gradient is the same with the filters turned by 180 degrees. The weight gradient sums over tiles in the
// transformed domain: dg = G' [ sum of (A dY A') . (B' d B) ] G.
//
// Not exact on integers: its error is some 1e-6 of the output's range (docs/kernels.md).
// The loops are in core/kernels/isa/conv_winograd.cpp; specification and test: core/kernels/reference/conv2d.h.

#include "core/kernels/conv.h"

namespace weft::kernels {

/// 3x3, stride 1, no dilation, one group, padding up to 2, and at least 8 channels on both sides.
bool conv_winograd_supports(const ConvProblem& p);
std::int64_t conv_winograd_packed_floats(const ConvProblem& p);
void conv_winograd_pack(const ConvProblem& p, const float* w, float* packed);
void conv_winograd_forward(const ConvProblem& p, const float* x, const float* packed,
                           const ConvEpilogue<float>& epilogue, float* y);
void conv_winograd_input_gradient(const ConvProblem& p, const float* dy, const float* w, float* dx);
void conv_winograd_weight_gradient(const ConvProblem& p, const float* x, const float* dy, float* dw);

}  // namespace weft::kernels
