#include "nn/layers.h"

#include "core/operation.h"

namespace weft::nn {

Conv2d::Conv2d(std::int64_t channels_in, std::int64_t channels_out, std::int64_t kernel, const Conv2dOptions& options_,
               bool with_bias)
    : options(options_) {
  WEFT_CHECK(options.groups > 0 && channels_in % options.groups == 0,
             "[Conv2d] {} input channels do not divide into {} groups", channels_in, options.groups);
  weight = register_parameter("weight", Tensor::zeros({channels_out, channels_in / options.groups, kernel, kernel}));
  if (with_bias) bias = register_parameter("bias", Tensor::zeros({channels_out}));
}

ConvTranspose2d::ConvTranspose2d(std::int64_t channels_in, std::int64_t channels_out, std::int64_t kernel,
                                 const ConvTranspose2dOptions& options_, bool with_bias)
    : options(options_) {
  weight = register_parameter("weight", Tensor::zeros({channels_in, channels_out, kernel, kernel}));
  if (with_bias) bias = register_parameter("bias", Tensor::zeros({channels_out}));
}

BatchNorm2d::BatchNorm2d(std::int64_t channels) {
  weight = register_parameter("weight", Tensor::full({channels}, 1));
  bias = register_parameter("bias", Tensor::zeros({channels}));
  running_mean = register_buffer("running_mean", Tensor::zeros({channels}));
  running_var = register_buffer("running_var", Tensor::full({channels}, 1));
  num_batches_tracked = register_buffer("num_batches_tracked", Tensor::zeros({}, DType::i64));
}

namespace {

/// Adds one to a counter, an int64 scalar, each time that x is computed: an operation, so that a plan counts its runs.
void count_up(const Tensor& counter, const Tensor& x) {
  const auto run = [](const Tensors& in, const Tensors&) { ++*in[0].mutable_data<std::int64_t>(); };
  apply({.name = "count_up", .run = run, .changes = {0}}, {counter, x.detach()}, std::vector<TensorType>{});
}

}  // namespace

Tensor BatchNorm2d::forward(const Tensor& x) const {
  if (is_training()) count_up(num_batches_tracked, x);
  return batch_norm(x, weight, bias, running_mean, running_var,
                    {.training = is_training(), .momentum = momentum, .epsilon = epsilon});
}

GroupNorm::GroupNorm(std::int64_t groups, std::int64_t channels) : groups_(groups) {
  WEFT_CHECK(groups >= 1 && channels % groups == 0, "[GroupNorm] {} channels do not divide into {} groups", channels,
             groups);
  weight = register_parameter("weight", Tensor::full({channels}, 1));
  bias = register_parameter("bias", Tensor::zeros({channels}));
}

Tensor GroupNorm::forward(const Tensor& x) const {
  const auto [n, h, w, c] = x.nhwc();
  const Tensor grouped = reshape(x, {n, h * w, groups_, c / groups_});
  const Tensor centred = subtract(grouped, mean(grouped, {1, 3}, true));
  const Tensor variance = mean(multiply(centred, centred), {1, 3}, true);
  // gamma / sqrt(variance + epsilon), one number for each picture and channel.
  const Tensor factor = divide(reshape(weight, {1, 1, groups_, c / groups_}), sqrt(add_scalar(variance, epsilon)));
  return add(reshape(multiply(centred, factor), x.shape()), bias);
}

Dropout::Dropout(double p_, std::uint64_t seed) : p(p_) {
  stream = register_buffer(
      "stream", Tensor::from<std::int64_t>({2}, std::vector{static_cast<std::int64_t>(seed), std::int64_t{0}}));
}

Linear::Linear(std::int64_t features_in, std::int64_t features_out) {
  weight = register_parameter("weight", Tensor::zeros({features_out, features_in}));
  bias = register_parameter("bias", Tensor::zeros({features_out}));
}

Tensor Linear::forward(const Tensor& x) const { return add(matmul(x, permute(weight, {1, 0})), bias); }

ConvBnAct::ConvBnAct(std::int64_t channels_in, std::int64_t channels_out, std::int64_t kernel,
                     const Conv2dOptions& options, Activation activation_)
    : conv(channels_in, channels_out, kernel, options), bn(channels_out), activation(activation_) {
  register_module("0", conv);
  register_module("1", bn);
}

Tensor ConvBnAct::forward(const Tensor& x) const {
  const Tensor y = bn.forward(conv.forward(x));
  return activation != nullptr ? activation(y) : y;
}

}  // namespace weft::nn
