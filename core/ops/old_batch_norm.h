#pragma once
// What batch_norm shares with the operations that normalise as they read.

#include "core/ops/old.h"

namespace weft {

/// The parameters and running statistics of a batch norm, [C] each.
struct BatchNormTensors {
  Tensor gamma, beta, running_mean, running_var;
};

/// Per channel: the mean, 1 / sqrt(var + epsilon), and the two numbers of y = x factor + offset.
struct ChannelCoefficients {
  Tensor mean, inv_std, factor, offset;
};

/// Throws Error, in the name of `op`, unless x [N, H, W, C] can be normalised so; `given` is what is known of x's
/// statistics.
void check_batch_norm(const char* op, const Tensor& x, const BatchNormTensors& norm, const OldBatchNormOptions& options,
                      const ChannelStatistics& given);

/// The numbers that normalise x. In training they come from x's own statistics, given or taken by a pass, towards which
/// the running ones are moved:
///
///   running = (1 - momentum) running + momentum batch, the batch's variance in its unbiased form
///
/// Of their own memory, as running statistics move on before the backward pass.
ChannelCoefficients channel_coefficients(const Tensor& x, const BatchNormTensors& norm, const OldBatchNormOptions& options,
                                         const ChannelStatistics& given);

}  // namespace weft
