#pragma once
// The passes of batch normalisation; core/kernels/reference/batch_norm.h gives the formulas and defines each pass.
// Float goes to the vector kernels, double to the reference.
//
// All are bound by memory where the caches don't hold the data. So a y too large for the caches is written past them: a
// plain store would first fetch the line that it is about to overwrite. And the gradients may be written over dy.
//
// Where the convolution before has not taken the statistics (output_sums.h), they come from one pass, and are exact to
// a few units in the last place even where the mean is large against the spread: each chunk of rows is centred, before
// it is squared, on the mean m' of the first 16 of its n rows, and chunks are joined in double (Chan, Golub, LeVeque
// 1983). m' need not be the chunk's mean m. What it is off costs digits like 1 + (m - m')^2 / var, and that is at most
// 1 + n / 16, since 16 rows that far from the mean are variance themselves: commonly a bit; where all the spread of a
// chunk lies in those rows, var is still good to 2e-4. Chunks depend on the shape alone and are joined in order.

#include "core/kernels/output_sums.h"
#include "core/kernels/reference/batch_norm.h"

namespace weft::kernels {

using reference::batch_norm_input_gradient;
using reference::batch_norm_parameter_gradients;
using reference::batch_norm_statistics;
using reference::scale_shift;

void batch_norm_statistics(const float* x, std::int64_t rows, std::int64_t channels, float* mean, float* var);

void scale_shift(const float* x, const float* residual, std::int64_t rows, std::int64_t channels, const float* factor,
                 const float* offset, Clamp clamp, float* y);

void batch_norm_parameter_gradients(const BatchNormBackward<float>& b, float* dgamma, float* dbeta, float* dz);

/// The formula's products of per-channel numbers, for dx = factor dz - shift - stretch (x - mean).
void batch_norm_gradient_numbers(const BatchNormBackward<float>& b, const float* dgamma, const float* dbeta,
                                 float* shift, float* stretch);

void batch_norm_input_gradient(const BatchNormBackward<float>& b, const float* dgamma, const float* dbeta,
                               bool training, float* dx);

}  // namespace weft::kernels
