#pragma once
// Batch norm in the forms that rules give it. Per channel, channel_numbers makes what its kernels take:
//
//   channel_numbers      inv_std = 1 / sqrt(var + epsilon), factor = gamma inv_std, offset = beta - mean factor
//   normalise            y = clamp(h factor + offset + residual)
//   normalise_sums       dz = dy where the clamp passed its input on, else 0; dgamma and dbeta, sums over dz; dz is an
//                        output of its own where somebody else needs it
//   normalise_gradient   dh from dz, dgamma and dbeta, or from dy, masked on the way
//
// Inputs and outputs: normalise (h, factor, offset, residual) -> y; normalise_sums (dy, h, mean, inv_std, factor,
// offset, y) -> dgamma, dbeta or dz, dgamma, dbeta; normalise_gradient (dz, h, mean, inv_std, factor, offset, dgamma,
// dbeta) -> dh.

#include "core/plan/storing.h"

namespace weft {

Operation channel_numbers_operation(double epsilon);
Operation normalise_operation(Clamp clamp);
Operation normalise_sums_operation(Clamp clamp, bool stores_dz);
Operation normalise_gradient_operation(Clamp clamp, bool training);

/// Those of a normalise step; without a mean where its numbers don't come from channel_numbers.
NormValues norm_values_of(const Graph& graph, const Step& normalise);

/// The numbers of the batch norm that a normalise_sums or normalise_gradient step belongs to.
inline NormValues norm_of_gradient(const Step& step) {
  return {step.inputs[1], step.inputs[2], step.inputs[3], step.inputs[4], step.inputs[5]};
}

}  // namespace weft
