#pragma once
// The passes of batch normalisation; core/kernels/reference/batch_norm.h defines each of them.

#include "core/kernels/reference/batch_norm.h"

namespace weft::kernels {

using reference::batch_norm_input_gradient;
using reference::batch_norm_parameter_gradients;
using reference::batch_norm_statistics;
using reference::scale_shift;

}  // namespace weft::kernels
