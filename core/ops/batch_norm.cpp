// Batch normalisation with an optional activation in the same pass; formulas for values and gradients:
// core/kernels/reference/batch_norm.h.
//
// In training the batch's own mean and biased variance normalise, so every pixel's gradient depends on all
// the others of its channel: the two correction terms of dx take out of dz whatever a shift or a stretch of
// the channel would do, because normalisation undoes both. Running statistics move towards the batch's,
// the variance by its unbiased form R / (R - 1) var. In evaluation they are constants.
//
// Saved are x, and y only where an activation needs its sign: y is the next convolution's input, which
// saves it anyway. xhat is recomputed.

#include <cmath>

#include "core/autograd.h"
#include "core/kernels/batch_norm.h"
#include "core/ops.h"

namespace weft {
namespace {

void check_shapes(const Tensor& x, std::initializer_list<Tensor> per_channel) {
  WEFT_CHECK(x.rank() == 4, "[batch_norm] expected [N, H, W, C], got {}", x.shape());
  for (const Tensor& t : per_channel) {
    WEFT_CHECK(t.shape() == Shape{x.size(3)}, "[batch_norm] expected [{}] for gamma, beta and statistics of {}, got {}",
               x.size(3), x.shape(), t.shape());
  }
}

/// running = (1 - momentum) running + momentum batch
template <class T>
void move_running(const Tensor& running, const T* batch, double momentum, double factor) {
  T* values = running.mutable_data<T>();
  for (std::int64_t c = 0; c < running.count(); ++c) {
    values[c] = static_cast<T>((1 - momentum) * static_cast<double>(values[c]) +
                               momentum * factor * static_cast<double>(batch[c]));
  }
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& running_mean,
                  const Tensor& running_var, const BatchNormOptions& options) {
  check_same_dtype("batch_norm", {x, gamma, beta, running_mean, running_var});
  check_shapes(x, {gamma, beta, running_mean, running_var});
  const std::int64_t channels = x.size(3), rows = x.count() / std::max<std::int64_t>(1, channels);
  WEFT_CHECK(!options.training || rows > 1,
             "[batch_norm] training needs more than one value a channel, got {}; use a larger batch", x.shape());

  Tensor mean = Tensor::empty({channels}, x.dtype()), inv = Tensor::empty({channels}, x.dtype());
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  dispatch_float(x.dtype(), "batch_norm", [&](auto zero) {
    using T = decltype(zero);
    T* m = mean.mutable_data<T>();
    T* s = inv.mutable_data<T>();
    if (options.training) {
      kernels::batch_norm_statistics(x.data<T>(), rows, channels, m, s);
      move_running(running_mean, m, options.momentum, 1);
      move_running(running_var, s, options.momentum, static_cast<double>(rows) / static_cast<double>(rows - 1));
    } else {
      mean.copy_from(running_mean);
      inv.copy_from(running_var);
    }
    std::vector<T> factor(static_cast<std::size_t>(channels)), offset(static_cast<std::size_t>(channels));
    for (std::int64_t c = 0; c < channels; ++c) {
      const auto k = static_cast<std::size_t>(c);
      s[c] = T{1} / std::sqrt(s[c] + static_cast<T>(options.epsilon));
      factor[k] = gamma.data<T>()[c] * s[c];
      offset[k] = beta.data<T>()[c] - m[c] * factor[k];
    }
    kernels::scale_shift(x.data<T>(), rows, channels, factor.data(), offset.data(), options.activation,
                         y.mutable_data<T>());
  });
  if (!needs_recording({x, gamma, beta})) return y;

  const Tensor kept_y = options.activation == Activation::none ? x : y;  // not read where there is no activation
  return record(
      y, "batch_norm", {x, gamma, beta},
      [x = Saved(x), y = Saved(kept_y), gamma = Saved(gamma), mean, inv, options, rows, channels](const Tensor& dy) {
        Tensor dx = Tensor::empty(x->shape(), x->dtype());
        Tensor dgamma = Tensor::empty({channels}, x->dtype()), dbeta = Tensor::empty({channels}, x->dtype());
        dispatch_float(dx.dtype(), "batch_norm", [&](auto zero) {
          using T = decltype(zero);
          kernels::batch_norm_parameter_gradients(x->data<T>(), y->data<T>(), dy.data<T>(), rows, channels,
                                                  mean.data<T>(), inv.data<T>(), options.activation,
                                                  dgamma.mutable_data<T>(), dbeta.mutable_data<T>());
          kernels::batch_norm_input_gradient(x->data<T>(), y->data<T>(), dy.data<T>(), rows, channels, mean.data<T>(),
                                             inv.data<T>(), gamma->data<T>(), dgamma.data<T>(), dbeta.data<T>(),
                                             options.activation, options.training, dx.mutable_data<T>());
        });
        return Gradients{dx, dgamma, dbeta};
      },
      {{"training", options.training ? 1.0 : 0.0},
       {"epsilon", options.epsilon},
       {"activation", static_cast<double>(options.activation)}});
}

}  // namespace weft
