// y = gamma (x - mean) / sqrt(var + eps) + beta          per channel; gradients: core/kernels/reference/batch_norm.h
//
// In training the batch's own mean and biased variance normalise (Ioffe & Szegedy 2015, arXiv:1502.03167), so every
// pixel's gradient depends on all the others of its channel: the two correction terms of dx take out of dy whatever a
// shift or a stretch of the channel would do, because normalisation undoes both. Running statistics move towards the
// batch's, the variance by its unbiased form R / (R - 1) var, R pixels. In evaluation they are constants.
//
// The steps: statistics of x; the running ones move; normalise. Backward: dgamma and dbeta, which are two sums over dy;
// dx from them. Saved are x and the statistics that normalised it; xhat is computed again.

#include "core/ops/batch_norm.h"

#include <algorithm>
#include <cmath>

#include "core/autograd.h"
#include "core/kernels/batch_norm.h"
#include "core/ops.h"

namespace weft {
namespace {

std::int64_t rows_of(const Tensor& x) { return x.count() / std::max<std::int64_t>(1, x.size(3)); }

void check(const Tensor& x, const Tensors& channels, const BatchNormOptions& options) {
  WEFT_CHECK(x.rank() == 4, "[batch_norm] expected [N, H, W, C], got {}", x.shape());
  for (const Tensor& t : channels) {
    check_same_dtype("batch_norm", {x, t});
    WEFT_CHECK(t.shape() == Shape{x.size(3)}, "[batch_norm] expected [{}] for gamma, beta and statistics of {}, got {}",
               x.size(3), x.shape(), t.shape());
  }
  WEFT_CHECK(!options.training || x.count() > x.size(3),
             "[batch_norm] training needs more than one value a channel, got {}; use a larger batch", x.shape());
}

/// mean, var [C], the variance biased: "channel_statistics".
Tensors channel_statistics(const Tensor& x) {
  const auto run = [](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), "channel_statistics", [&](auto zero) {
      using T = decltype(zero);
      kernels::batch_norm_statistics(in[0].data<T>(), rows_of(in[0]), in[0].size(3), out[0].mutable_data<T>(),
                                     out[1].mutable_data<T>());
    });
  };
  const TensorType per_channel{{x.size(3)}, x.dtype()};
  return apply({.name = "channel_statistics", .run = run}, {x}, {per_channel, per_channel});
}

/// running = (1 - momentum) running + momentum batch, the batch's variance in its unbiased form: "move_running".
void move_running(const Tensor& running_mean, const Tensor& running_var, const Tensor& mean, const Tensor& var,
                  double momentum, std::int64_t rows) {
  const double unbiased = static_cast<double>(rows) / static_cast<double>(rows - 1);
  const auto run = [momentum, unbiased](const Tensors& in, const Tensors&) {
    dispatch_float(in[0].dtype(), "move_running", [&](auto zero) {
      using T = decltype(zero);
      const auto move = [&](const Tensor& running, const Tensor& batch, double factor) {
        T* values = running.mutable_data<T>();
        for (std::int64_t c = 0; c < running.count(); ++c) {
          values[c] = static_cast<T>((1 - momentum) * static_cast<double>(values[c]) +
                                     momentum * factor * static_cast<double>(batch.data<T>()[c]));
        }
      };
      move(in[0], in[2], 1);
      move(in[1], in[3], unbiased);
    });
  };
  apply({.name = "move_running", .run = run, .attributes = {{"momentum", momentum}}, .changes = {0, 1}},
        {running_mean, running_var, mean, var}, std::vector<TensorType>{});
}

/// What the kernels of the gradients take; dy may be undefined.
template <class T>
kernels::BatchNormBackward<T> problem_of(const Tensor& x, const Tensor& dy, const Tensor& mean,
                                         const ChannelNumbers& k) {
  return {.rows = rows_of(x),
          .channels = x.size(3),
          .x = x.data<T>(),
          .y = nullptr,
          .dy = dy.data<T>(),
          .mean = mean.data<T>(),
          .inv_std = k.inv_std.data<T>(),
          .factor = k.factor.data<T>(),
          .offset = k.offset.data<T>(),
          .clamp = no_clamp};
}

/// dgamma, dbeta [C]: "batch_norm_parameter_gradients".
Tensors parameter_gradients(const Tensor& dy, const Tensor& x, const Tensors& statistics, const Tensor& gamma,
                            double epsilon) {
  const auto run = [epsilon](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), "batch_norm_parameter_gradients", [&](auto zero) {
      using T = decltype(zero);
      const ChannelNumbers k = channel_numbers(in[2], in[3], in[4], in[4], epsilon);
      kernels::batch_norm_parameter_gradients(problem_of<T>(in[1], in[0], in[2], k), out[0].mutable_data<T>(),
                                              out[1].mutable_data<T>(), static_cast<T*>(nullptr));
    });
  };
  return apply({.name = "batch_norm_parameter_gradients", .run = run, .attributes = {{"epsilon", epsilon}}},
               {dy, x, statistics[0], statistics[1], gamma}, {type_of(gamma), type_of(gamma)});
}

/// dx, of the shape of x: "batch_norm_input_gradient".
Tensor input_gradient(const Tensor& dy, const Tensor& x, const Tensors& statistics, const Tensor& gamma,
                      const Tensors& sums, double epsilon, bool training) {
  const auto run = [epsilon, training](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), "batch_norm_input_gradient", [&](auto zero) {
      using T = decltype(zero);
      const ChannelNumbers k = channel_numbers(in[2], in[3], in[4], in[4], epsilon);
      kernels::batch_norm_input_gradient(problem_of<T>(in[1], in[0], in[2], k), in[5].data<T>(), in[6].data<T>(),
                                         training, out[0].mutable_data<T>());
    });
  };
  return apply({.name = "batch_norm_input_gradient",
                .run = run,
                .attributes = {{"epsilon", epsilon}, {"training", training ? 1.0 : 0.0}},
                .may_overwrite = 0},
               {dy, x, statistics[0], statistics[1], gamma, sums[0], sums[1]}, type_of(x));
}

Tensor normalise(const Tensor& x, const Tensors& statistics, const Tensor& gamma, const Tensor& beta, double epsilon,
                 bool training) {
  const auto run = [epsilon](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), "batch_norm", [&](auto zero) {
      using T = decltype(zero);
      const ChannelNumbers k = channel_numbers(in[1], in[2], in[3], in[4], epsilon);
      kernels::scale_shift(in[0].data<T>(), static_cast<const T*>(nullptr), rows_of(in[0]), in[0].size(3),
                           k.factor.data<T>(), k.offset.data<T>(), no_clamp, out[0].mutable_data<T>());
    });
  };
  return apply({.name = "batch_norm",
                .run = run,
                .attributes = {{"epsilon", epsilon}, {"training", training ? 1.0 : 0.0}},
                .may_overwrite = 0},
               {x, statistics[0], statistics[1], gamma, beta}, type_of(x));
}

}  // namespace

ChannelNumbers channel_numbers(const Tensor& mean, const Tensor& var, const Tensor& gamma, const Tensor& beta,
                               double epsilon) {
  const auto per_channel = [&] { return Tensor::empty(gamma.shape(), gamma.dtype()); };
  const ChannelNumbers k{per_channel(), per_channel(), per_channel()};
  dispatch_float(gamma.dtype(), "batch_norm", [&](auto zero) {
    using T = decltype(zero);
    T *inv_std = k.inv_std.mutable_data<T>(), *factor = k.factor.mutable_data<T>(),
      *offset = k.offset.mutable_data<T>();
    for (std::int64_t c = 0; c < gamma.count(); ++c) {
      inv_std[c] = T{1} / std::sqrt(var.data<T>()[c] + static_cast<T>(epsilon));
      factor[c] = gamma.data<T>()[c] * inv_std[c];
      offset[c] = beta.data<T>()[c] - mean.data<T>()[c] * factor[c];
    }
  });
  return k;
}

Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& running_mean,
                  const Tensor& running_var, const BatchNormOptions& options) {
  check(x, {gamma, beta, running_mean, running_var}, options);
  const auto [training, momentum, epsilon] = options;
  const Tensors statistics = training ? channel_statistics(x) : Tensors{running_mean, running_var};
  if (training) move_running(running_mean, running_var, statistics[0], statistics[1], momentum, rows_of(x));
  const Tensor y = normalise(x, statistics, gamma, beta, epsilon, training);
  return record(
      y, "batch_norm", {x, gamma, beta},
      [x = Saved(x), mean = Saved(statistics[0]), var = Saved(statistics[1]), gamma = Saved(gamma), epsilon = epsilon,
       training = training](const Tensor& dy) {
        const Tensors by{mean.get(), var.get()};
        const Tensors sums = parameter_gradients(dy, x.get(), by, gamma.get(), epsilon);
        return Gradients{input_gradient(dy, x.get(), by, gamma.get(), sums, epsilon, training), sums[0], sums[1]};
      });
}

}  // namespace weft
