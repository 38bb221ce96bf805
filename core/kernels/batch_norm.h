#pragma once
// The passes of batch normalisation; core/kernels/reference/batch_norm.h gives the formulas and defines each pass.
// Float goes to the vector kernels, double to the reference.
//
// Statistics are exact to a few units in the last place even where the mean is large against the spread: each chunk
// of rows, small enough for the cache, is centred on its own mean before it is squared, and chunks are joined in
// double (Chan, Golub, LeVeque 1983). Chunks depend on the shape alone and are joined in order.

#include "core/kernels/reference/batch_norm.h"

namespace weft::kernels {

using reference::batch_norm_input_gradient;
using reference::batch_norm_parameter_gradients;
using reference::batch_norm_statistics;
using reference::scale_shift;

void batch_norm_statistics(const float* x, std::int64_t rows, std::int64_t channels, float* mean, float* var);

void scale_shift(const float* x, std::int64_t rows, std::int64_t channels, const float* factor, const float* offset,
                 Activation activation, float* y);

void batch_norm_parameter_gradients(const float* x, const float* y, const float* dy, std::int64_t rows,
                                    std::int64_t channels, const float* mean, const float* inv, Activation activation,
                                    float* dgamma, float* dbeta);

void batch_norm_input_gradient(const float* x, const float* y, const float* dy, std::int64_t rows,
                               std::int64_t channels, const float* mean, const float* inv, const float* gamma,
                               const float* dgamma, const float* dbeta, Activation activation, bool training,
                               float* dx);

}  // namespace weft::kernels
