#pragma once
// Batch normalisation over rows: x is [rows, channels], every image's pixels one after the other.
//
//   mean_c = sum_r x_rc / R          var_c = sum_r (x_rc - mean_c)^2 / R             (biased)
//   xhat   = (x - mean) / sqrt(var + eps)          y = act(gamma xhat + beta + r)
//
// r, the residual, may be missing. With dz = dy act'(y), the gradients are (Ioffe & Szegedy 2015, arXiv:1502.03167,
// worked out)
//
//   dr    = dz
//   dbeta = sum_r dz          dgamma = sum_r dz xhat
//   dx    = gamma / sqrt(var + eps) (dz - dbeta / R - xhat dgamma / R)       in training
//   dx    = gamma / sqrt(var + eps)  dz                                      with fixed statistics
//
// These are the textbook loops, in double; core/kernels/batch_norm.h picks the fast ones.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/kernels/clamp.h"
#include "core/kernels/batch_norm_backward.h"

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

/// y = act(x * factor + offset + residual), the form that gamma, beta, mean and var come down to; factor and offset per
/// channel, residual null or of x's shape.
template <class T>
void scale_shift(const T* x, const T* residual, std::int64_t rows, std::int64_t channels, const T* factor,
                 const T* offset, Clamp clamp, T* y) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const std::int64_t i = r * channels + c;
      const T z = x[i] * factor[c] + offset[c];
      y[i] = clamped(residual == nullptr ? z : z + residual[i], clamp);
    }
  }
}

/// dz of element i, which is of channel c.
template <class T>
T activation_gradient(const BatchNormBackward<T>& b, std::int64_t i, std::int64_t c) {
  if (!clips(b.clamp)) return b.dy[i];
  const T y = b.y == nullptr ? b.x[i] * b.factor[c] + b.offset[c] : b.y[i];
  return b.dy[i] * clamp_slope(y, b.clamp);
}

/// dbeta and dgamma [channels]. Also dz, where it is not null; it may be dy.
template <class T>
void batch_norm_parameter_gradients(const BatchNormBackward<T>& b, T* dgamma, T* dbeta, T* dz) {
  for (std::int64_t c = 0; c < b.channels; ++c) {
    double sum_dz = 0, sum_dz_xhat = 0;
    for (std::int64_t r = 0; r < b.rows; ++r) {
      const std::int64_t i = r * b.channels + c;
      const T g = activation_gradient(b, i, c);
      if (dz != nullptr) dz[i] = g;
      sum_dz += static_cast<double>(g);
      sum_dz_xhat += static_cast<double>(g) * static_cast<double>((b.x[i] - b.mean[c]) * b.inv_std[c]);
    }
    dbeta[c] = static_cast<T>(sum_dz);
    dgamma[c] = static_cast<T>(sum_dz_xhat);
  }
}

/// dx, which may be dy; with `training` false the statistics are constants and the two correction terms vanish.
template <class T>
void batch_norm_input_gradient(const BatchNormBackward<T>& b, const T* dgamma, const T* dbeta, bool training, T* dx) {
  const T over_rows = training ? T{1} / static_cast<T>(b.rows) : T{0};
  for (std::int64_t r = 0; r < b.rows; ++r) {
    for (std::int64_t c = 0; c < b.channels; ++c) {
      const std::int64_t i = r * b.channels + c;
      const T xhat = (b.x[i] - b.mean[c]) * b.inv_std[c];
      dx[i] = b.factor[c] * (activation_gradient(b, i, c) - dbeta[c] * over_rows - xhat * dgamma[c] * over_rows);
    }
  }
}

}  // namespace weft::kernels::reference
