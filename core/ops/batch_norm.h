#pragma once
// What batch_norm shares with the operations that normalise as they read.

#include "core/ops.h"

namespace weft {

/// The parameters and running statistics of a batch norm, [C] each.
struct BatchNormTensors {
  Tensor gamma, beta, running_mean, running_var;
};

/// Throws Error, in the name of `op`, unless these, and what is given of x's statistics, fit x [N, H, W, C].
void check_batch_norm(const char* op, const Tensor& x, const BatchNormTensors& norm, const ChannelStatistics& given);

/// Per channel: the mean, 1 / sqrt(var + epsilon), and the two numbers of y = x factor + offset.
struct ChannelCoefficients {
  Tensor mean, inv_std, factor, offset;
};

/// Of its own memory, as running statistics move on before the backward pass.
ChannelCoefficients channel_coefficients(const ChannelStatistics& statistics, const Tensor& gamma, const Tensor& beta,
                                         double epsilon);

/// running = (1 - momentum) running + momentum batch, the batch's variance in its unbiased form for so many rows.
void move_running_statistics(const ChannelStatistics& running, const ChannelStatistics& batch, double momentum,
                             std::int64_t rows);

/// The mean and biased variance of x [N, H, W, C], by a pass over it.
ChannelStatistics channel_statistics(const Tensor& x);

}  // namespace weft
