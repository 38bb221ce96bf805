// Batch normalisation with an optional residual and activation in the same pass; formulas for values and gradients:
// core/kernels/reference/batch_norm.h.
//
// In training the batch's own mean and biased variance normalise, so every pixel's gradient depends on all
// the others of its channel: the two correction terms of dx take out of dz whatever a shift or a stretch of
// the channel would do, because normalisation undoes both. Running statistics move towards the batch's,
// the variance by its unbiased form R / (R - 1) var. In evaluation they are constants.
//
// Saved is x. xhat is recomputed, and so is the sign of y that an activation needs; only with a residual y is saved
// instead, and then it is the next convolution's input, which saves it anyway. dx (dr where there is a residual)
// overwrites dy where nobody else holds it.

#include "core/ops/old_batch_norm.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "core/autograd.h"
#include "core/kernels/batch_norm.h"
#include "core/ops.h"
#include "core/pass_profile.h"

namespace weft {
namespace {

std::int64_t rows_of(const Tensor& x) { return x.count() / std::max<std::int64_t>(1, x.size(3)); }

/// running = (1 - momentum) running + momentum factor batch
void move_running(const Tensor& running, const Tensor& batch, double momentum, double factor) {
  dispatch_float(running.dtype(), "batch_norm", [&](auto zero) {
    using T = decltype(zero);
    T* values = running.mutable_data<T>();
    for (std::int64_t c = 0; c < running.count(); ++c) {
      values[c] = static_cast<T>((1 - momentum) * static_cast<double>(values[c]) +
                                 momentum * factor * static_cast<double>(batch.data<T>()[c]));
    }
  });
}

Tensor apply(const Tensor& x, const Tensor& residual, const ChannelCoefficients& k, Clamp clamp) {
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  const ProfileScope scope(describe_pass("batch_norm apply", x, residual.defined() ? 3 : 2));
  dispatch_float(x.dtype(), "batch_norm", [&](auto zero) {
    using T = decltype(zero);
    kernels::scale_shift(x.data<T>(), residual.defined() ? residual.data<T>() : nullptr, rows_of(x), x.size(3),
                         k.factor.data<T>(), k.offset.data<T>(), clamp, y.mutable_data<T>());
  });
  return y;
}

/// What a backward pass needs.
struct SavedBatchNorm {
  /// y is undefined where it is not needed.
  SavedBatchNorm(const Tensor& x_, const Tensor& y_, const ChannelCoefficients& k_, const OldBatchNormOptions& options_,
                 bool has_residual_)
      : x(x_), y(y_), k(k_), options(options_), has_residual(has_residual_) {}

  const Saved x, y;
  const ChannelCoefficients k;
  const OldBatchNormOptions options;
  const bool has_residual;
  // The sums that were taken while dz was stored in dy's place, and the buffer that it was stored to.
  std::optional<kernels::GradientSums> sums;
  BufferStamp summed_dy;
};

template <class T>
kernels::BatchNormBackward<T> problem_of(const SavedBatchNorm& b, const Tensor& dy) {
  return {.rows = rows_of(dy),
          .channels = dy.size(3),
          .x = b.x->data<T>(),
          .y = b.y.get().defined() ? b.y->data<T>() : nullptr,
          .dy = dy.data<T>(),
          .mean = b.k.mean.data<T>(),
          .inv_std = b.k.inv_std.data<T>(),
          .factor = b.k.factor.data<T>(),
          .offset = b.k.offset.data<T>(),
          .clamp = b.options.clamp};
}

/// Sums for whoever is about to store dy, and then stores dz. Kernels take them in float.
kernels::OutputSums* sums_over(SavedBatchNorm& b, const Tensor& dy) {
  if (dy.dtype() != DType::f32) return nullptr;
  b.summed_dy = BufferStamp(dy);
  return &b.sums.emplace(problem_of<float>(b, dy));
}

bool has_sums_of(const SavedBatchNorm& b, const Tensor& dy) {
  return b.sums && b.sums->are_taken() && b.summed_dy.is_of(dy);
}

/// The gradients of x, gamma, beta and, where there is one, the residual.
Gradients gradients_of(const SavedBatchNorm& saved, const Tensor& dy) {
  const Tensor &x = saved.x.get(), &y = saved.y.get();
  const std::int64_t channels = x.size(3);
  Tensor dgamma = Tensor::empty({channels}, x.dtype()), dbeta = Tensor::empty({channels}, x.dtype());
  const bool has_taken_sums = has_sums_of(saved, dy);  // then dy is dz already
  // With a residual, dz is its gradient: without an activation that is dy itself, else it takes dy's place.
  const bool stores_dz = y.defined() && !has_taken_sums;
  const Tensor dx = saved.has_residual ? Tensor::empty(x.shape(), x.dtype()) : reuse_or_empty(dy);
  const Tensor dz = stores_dz ? reuse_or_empty(dy) : dy;
  dispatch_float(x.dtype(), "batch_norm", [&](auto zero) {
    using T = decltype(zero);
    kernels::BatchNormBackward<T> b = problem_of<T>(saved, dy);
    T *to_dgamma = dgamma.mutable_data<T>(), *to_dbeta = dbeta.mutable_data<T>();
    if constexpr (std::is_same_v<T, float>) {
      if (has_taken_sums) saved.sums->result(to_dgamma, to_dbeta);
    }
    if (!has_taken_sums) {
      const ProfileScope scope(describe_pass("batch_norm sums", x, stores_dz ? 4 : 2));
      kernels::batch_norm_parameter_gradients(b, to_dgamma, to_dbeta, stores_dz ? dz.mutable_data<T>() : nullptr);
    }
    if (has_taken_sums || stores_dz) {
      b.dy = dz.data<T>();
      b.clamp = no_clamp;
    }
    const ProfileScope scope(describe_pass("batch_norm dx", x, 3));
    kernels::batch_norm_input_gradient(b, dgamma.data<T>(), dbeta.data<T>(), saved.options.training,
                                       dx.mutable_data<T>());
  });
  return {dx, dgamma, dbeta, saved.has_residual ? dz : Tensor()};
}

/// The mean and biased variance of x [N, H, W, C], by a pass over it.
ChannelStatistics channel_statistics(const Tensor& x) {
  const ChannelStatistics batch{Tensor::empty({x.size(3)}, x.dtype()), Tensor::empty({x.size(3)}, x.dtype())};
  const ProfileScope scope(describe_pass("batch_norm statistics", x, 1));
  dispatch_float(x.dtype(), "batch_norm", [&](auto zero) {
    using T = decltype(zero);
    kernels::batch_norm_statistics(x.data<T>(), rows_of(x), x.size(3), batch.mean.mutable_data<T>(),
                                   batch.var.mutable_data<T>());
  });
  return batch;
}

void move_running_statistics(const ChannelStatistics& running, const ChannelStatistics& batch, double momentum,
                             std::int64_t rows) {
  move_running(running.mean, batch.mean, momentum, 1);
  move_running(running.var, batch.var, momentum, static_cast<double>(rows) / static_cast<double>(rows - 1));
}

ChannelCoefficients coefficients_of(const ChannelStatistics& statistics, const Tensor& gamma, const Tensor& beta,
                                    double epsilon) {
  const auto per_channel = [&] { return Tensor::empty(gamma.shape(), gamma.dtype()); };
  const ChannelCoefficients k{statistics.mean.clone(), per_channel(), per_channel(), per_channel()};
  dispatch_float(gamma.dtype(), "batch_norm", [&](auto zero) {
    using T = decltype(zero);
    const T *mean = k.mean.data<T>(), *var = statistics.var.data<T>();
    T* inv_std = k.inv_std.mutable_data<T>();
    T* factor = k.factor.mutable_data<T>();
    T* offset = k.offset.mutable_data<T>();
    for (std::int64_t c = 0; c < gamma.count(); ++c) {
      inv_std[c] = T{1} / std::sqrt(var[c] + static_cast<T>(epsilon));
      factor[c] = gamma.data<T>()[c] * inv_std[c];
      offset[c] = beta.data<T>()[c] - mean[c] * factor[c];
    }
  });
  return k;
}

}  // namespace

void check_batch_norm(const char* op, const Tensor& x, const BatchNormTensors& norm, const OldBatchNormOptions& options,
                      const ChannelStatistics& given) {
  check_same_dtype(op, {x, norm.gamma, norm.beta, norm.running_mean, norm.running_var, given.mean, given.var});
  WEFT_CHECK(x.rank() == 4, "[{}] expected [N, H, W, C], got {}", op, x.shape());
  WEFT_CHECK(given.mean.defined() == given.var.defined(), "[{}] expected both mean and variance, or neither", op);
  const auto check_shape = [&](const Tensor& t) {
    WEFT_CHECK(t.shape() == Shape{x.size(3)}, "[{}] expected [{}] for gamma, beta and statistics of {}, got {}", op,
               x.size(3), x.shape(), t.shape());
  };
  for (const Tensor& t : {norm.gamma, norm.beta, norm.running_mean, norm.running_var}) check_shape(t);
  if (given.mean.defined()) check_shape(given.mean), check_shape(given.var);
  WEFT_CHECK(!options.training || x.count() > x.size(3),
             "[{}] training needs more than one value a channel, got {}; use a larger batch", op, x.shape());
}

ChannelCoefficients channel_coefficients(const Tensor& x, const BatchNormTensors& norm, const OldBatchNormOptions& options,
                                         const ChannelStatistics& given) {
  const ChannelStatistics running{norm.running_mean, norm.running_var};
  if (!options.training) return coefficients_of(running, norm.gamma, norm.beta, options.epsilon);
  const ChannelStatistics batch = given.mean.defined() ? given : channel_statistics(x);
  move_running_statistics(running, batch, options.momentum, rows_of(x));
  return coefficients_of(batch, norm.gamma, norm.beta, options.epsilon);
}

Tensor old_batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& running_mean,
                  const Tensor& running_var, const OldBatchNormOptions& options, const Tensor& residual,
                  const ChannelStatistics& given) {
  check_same_dtype("batch_norm", {x, residual});
  const BatchNormTensors norm{gamma, beta, running_mean, running_var};
  check_batch_norm("batch_norm", x, norm, options, given);
  WEFT_CHECK(!residual.defined() || residual.shape() == x.shape(), "[batch_norm] expected a residual {}, got {}",
             x.shape(), residual.shape());

  const ChannelCoefficients k = channel_coefficients(x, norm, options, given);
  const Tensor y = apply(x, residual, k, options.clamp);
  if (!needs_recording({x, gamma, beta, residual})) return y;

  const bool has_residual = residual.defined();
  const bool needs_y = has_residual && clips(options.clamp);
  const auto saved = std::make_shared<SavedBatchNorm>(x, needs_y ? y : Tensor(), k, options, has_residual);
  record(y, "batch_norm", {x, gamma, beta, residual}, [saved](const Tensor& dy) { return gradients_of(*saved, dy); },
         {{"training", options.training ? 1.0 : 0.0},
          {"epsilon", options.epsilon},
          {"lower", static_cast<double>(options.clamp.lower)},
          {"upper", static_cast<double>(options.clamp.upper)},
          {"residual", has_residual ? 1.0 : 0.0}});
  y.node()->sums_over = [saved](const Tensor& dy) { return sums_over(*saved, dy); };
  // Not with a residual: it may be an output that is made again itself, and so on through the network.
  if (RecomputeActivations::is_on() && !has_residual) {
    y.node()->recompute = [x = Saved(x), k, clamp = options.clamp] {
      return apply(x.get(), Tensor(), k, clamp);
    };
  }
  return y;
}

}  // namespace weft
