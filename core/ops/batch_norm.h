#pragma once
// The names that the operations of batch_norm have, and the numbers that its kernels take; for rules of a plan that
// do the same in fewer passes.

#include "core/operation.h"

namespace weft [[gnu::visibility("hidden")]] {  // between operations and plans: not for users of the library

/// Per channel, as core/kernels/batch_norm.h takes them: inv_std = 1 / sqrt(var + epsilon), and the two numbers of
/// y = x factor + offset.
struct ChannelNumbers {
  Tensor inv_std, factor, offset;
};

/// From mean, var, gamma and beta [C], all with numbers.
ChannelNumbers channel_numbers(const Tensor& mean, const Tensor& var, const Tensor& gamma, const Tensor& beta,
                               double epsilon);

}  // namespace weft
