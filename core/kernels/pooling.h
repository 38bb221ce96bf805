#pragma once
// Pooling; core/kernels/reference/pooling.h gives the formulas and defines each pass. Max pooling of floats, which
// ResNet begins with, goes to the vector kernels, everything else to the reference.

#include "core/kernels/output_sums.h"
#include "core/kernels/reference/pooling.h"

namespace weft::kernels {

using reference::avg_pool2d;
using reference::avg_pool2d_adjoint;
using reference::max_pool2d;
using reference::max_pool2d_adjoint;

void max_pool2d(const Pool2d& p, const float* x, float* y, std::uint8_t* positions);

/// dx + before, where that is not null; it may be dx. `sums`, where not null, are those to take over what is stored.
void max_pool2d_adjoint(const Pool2d& p, const float* dy, const std::uint8_t* positions, const float* before,
                        OutputSums* sums, float* dx);

}  // namespace weft::kernels
