#pragma once
// Batch normalisation over rows: x is [rows, channels], every image's pixels one after the other.
//
//   mean_c = sum_r x_rc / R          var_c = sum_r (x_rc - mean_c)^2 / R             (biased)
//   xhat   = (x - mean) / sqrt(var + eps)          y = act(gamma xhat + beta)
//
// With dz = dy act'(y), the gradients are (Ioffe & Szegedy 2015, arXiv:1502.03167, worked out)
//
//   dbeta = sum_r dz          dgamma = sum_r dz xhat
//   dx    = gamma / sqrt(var + eps) (dz - dbeta / R - xhat dgamma / R)       in training
//   dx    = gamma / sqrt(var + eps)  dz                                      with fixed statistics
//
// These are the textbook loops, in double; core/kernels/batch_norm.h picks the fast ones.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/kernels/activation.h"

namespace weft::kernels::reference {

/// mean, var [channels], biased.
template <class T>
void batch_norm_statistics(const T* x, std::int64_t rows, std::int64_t channels, T* mean, T* var) {
  for (std::int64_t c = 0; c < channels; ++c) {
    double total = 0, squares = 0;
    for (std::int64_t r = 0; r < rows; ++r) total += static_cast<double>(x[r * channels + c]);
    const double centre = total / static_cast<double>(rows);
    for (std::int64_t r = 0; r < rows; ++r) {
      const double d = static_cast<double>(x[r * channels + c]) - centre;
      squares += d * d;
    }
    mean[c] = static_cast<T>(centre);
    var[c] = static_cast<T>(squares / static_cast<double>(rows));
  }
}

/// y = act(x * factor + offset) per channel, the form that gamma, beta, mean and var come down to.
template <class T>
void scale_shift(const T* x, std::int64_t rows, std::int64_t channels, const T* factor, const T* offset,
                 Activation activation, T* y) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < channels; ++c) {
      y[r * channels + c] = activate(x[r * channels + c] * factor[c] + offset[c], activation);
    }
  }
}

/// dbeta and dgamma [channels]; `inv` is 1 / sqrt(var + eps). y is read only where there is an activation.
template <class T>
void batch_norm_parameter_gradients(const T* x, const T* y, const T* dy, std::int64_t rows, std::int64_t channels,
                                    const T* mean, const T* inv, Activation activation, T* dgamma, T* dbeta) {
  for (std::int64_t c = 0; c < channels; ++c) {
    double sum_dz = 0, sum_dz_xhat = 0;
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::int64_t i = r * channels + c;
      const T dz = activation == Activation::none ? dy[i] : dy[i] * activation_slope(y[i], activation);
      sum_dz += static_cast<double>(dz);
      sum_dz_xhat += static_cast<double>(dz) * static_cast<double>((x[i] - mean[c]) * inv[c]);
    }
    dbeta[c] = static_cast<T>(sum_dz);
    dgamma[c] = static_cast<T>(sum_dz_xhat);
  }
}

/// dx; with `training` false the statistics are constants and the two correction terms vanish.
template <class T>
void batch_norm_input_gradient(const T* x, const T* y, const T* dy, std::int64_t rows, std::int64_t channels,
                               const T* mean, const T* inv, const T* gamma, const T* dgamma, const T* dbeta,
                               Activation activation, bool training, T* dx) {
  const T over_rows = training ? T{1} / static_cast<T>(rows) : T{0};
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const std::int64_t i = r * channels + c;
      const T dz = activation == Activation::none ? dy[i] : dy[i] * activation_slope(y[i], activation);
      const T xhat = (x[i] - mean[c]) * inv[c];
      dx[i] = gamma[c] * inv[c] * (dz - dbeta[c] * over_rows - xhat * dgamma[c] * over_rows);
    }
  }
}

}  // namespace weft::kernels::reference
