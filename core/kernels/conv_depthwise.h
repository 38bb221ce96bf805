#pragma once
// Depthwise convolution, one filter per channel, and both gradients; core/kernels/isa/conv_depthwise.cpp has the loops.

#include "core/kernels/conv.h"
#include "core/kernels/pixel_source.h"

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

// The same over images that are made as they are read (pixel_source.h).

/// Forward. The other function's y, bit for bit, had it read x made and stored.
void conv_depthwise_forward(const ConvProblem& p, const PixelSource& x, const float* w,
                            const ConvEpilogue<float>& epilogue, float* y);

/// True for kernel 3x3, padding 1, no dilation and stride 1 or 2.
bool conv_depthwise_backward_supports(const ConvProblem& p);
/// Both gradients at once, and batch norm's sums over dx where `sums`, a GradientSums, is not null.
void conv_depthwise_backward(const ConvProblem& p, const PixelSource& x, const PixelSource& dy, const float* w,
                             float* dx, OutputSums* sums, float* dw);

}  // namespace weft::kernels
