#pragma once
// What upsample_conv2d and PackedConv share.

#include "core/kernels/conv_upsample.h"
#include "core/ops/old.h"

namespace weft {

/// Checks the shapes; `weight` is [Cout, Cup + Cskip, 3, 3].
kernels::UpsampleConvProblem upsample_conv_problem(const Tensor& x, const Tensor& skip, const Shape& weight);
/// clamp(conv + bias) from packed filters; skip and bias may be undefined.
Tensor upsample_conv_forward(const kernels::UpsampleConvProblem& p, const Tensor& x, const Tensor& skip,
                             const Tensor& packed, const Tensor& bias, Clamp clamp,
                             ChannelStatistics* statistics = nullptr);

}  // namespace weft
