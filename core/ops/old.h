#pragma once
// Fused operations, until plans take their place.

#include "core/kernels/clamp.h"
#include "core/ops.h"

namespace weft {

/// The mean and the biased variance of each channel [C] of a tensor [N, H, W, C], or nothing where nobody has asked.
struct ChannelStatistics {
  Tensor mean, var;
};

Tensor old_conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = Tensor(), const Conv2dOptions& options = {},
              ChannelStatistics* statistics = nullptr);

/// clamp(conv2d(x) + bias + residual) in one pass over the output; inference only: records no gradient.
/// `residual` has the output's shape or is undefined.
Tensor conv2d_fused(const Tensor& x, const Tensor& weight, const Tensor& bias, const Conv2dOptions& options,
                    Clamp clamp, const Tensor& residual = Tensor());

/// conv2d(concat_channels({upsample_nearest2x(x), skip}), weight) with padding 1, without storing its input: the first
/// convolution of a U-Net decoder block. x [N, H, W, Cup], skip [N, 2H, 2W, Cskip] or undefined,
/// weight [Cout, Cup + Cskip, 3, 3] -> [N, 2H, 2W, Cout]. `statistics` as conv2d's.
Tensor upsample_conv2d(const Tensor& x, const Tensor& skip, const Tensor& weight,
                       ChannelStatistics* statistics = nullptr);

struct OldBatchNormOptions {
  bool training = true;   // normalise by the batch's statistics and move the running ones
  double momentum = 0.1;  // running = (1 - momentum) running + momentum batch
  double epsilon = 1e-5;
  Clamp clamp = no_clamp;  // applied to the result, in the same pass
};

/// y = clamp(gamma (x - mean) / sqrt(var + eps) + beta + residual) per channel; gamma, beta, running_mean,
/// running_var [C]; residual of x's shape, or undefined.
/// In training, mean and the biased variance are the batch's, and the running statistics are updated in place, the
/// variance by its unbiased form. Ioffe & Szegedy 2015. Throws Error where a training batch has one value a channel.
/// `statistics` are x's where somebody has them already.
Tensor old_batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& running_mean,
                  const Tensor& running_var, const OldBatchNormOptions& options, const Tensor& residual = Tensor(),
                  const ChannelStatistics& statistics = {});

}  // namespace weft
