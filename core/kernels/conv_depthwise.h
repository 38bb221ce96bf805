#pragma once
// Depthwise convolution, one filter per channel, and both gradients; core/kernels/isa/conv_depthwise.cpp has the loops.

#include "core/kernels/conv.h"

namespace weft::kernels {

/// True for groups = c_in = c_out.
bool conv_depthwise_supports(const ConvProblem& p);
std::int64_t conv_depthwise_packed_floats(const ConvProblem& p);
void conv_depthwise_pack(const ConvProblem& p, const float* w, float* packed);
void conv_depthwise_forward(const ConvProblem& p, const float* x, const float* packed,
                            const ConvEpilogue<float>& epilogue, float* y);
void conv_depthwise_input_gradient(const ConvProblem& p, const float* dy, const float* w,
                                   const ConvEpilogue<float>& epilogue, float* dx);
void conv_depthwise_weight_gradient(const ConvProblem& p, const float* x, const float* dy, float* dw);

}  // namespace weft::kernels
