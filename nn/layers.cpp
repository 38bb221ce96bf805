#include "nn/layers.h"

#include <cmath>

#include "core/autograd.h"

namespace weft::nn {

Conv2d::Conv2d(std::int64_t channels_in, std::int64_t channels_out, std::int64_t kernel, const Conv2dOptions& options_,
               bool with_bias)
    : options(options_) {
  WEFT_CHECK(options.groups > 0 && channels_in % options.groups == 0,
             "[Conv2d] {} input channels do not divide into {} groups", channels_in, options.groups);
  weight = register_parameter("weight", Tensor::zeros({channels_out, channels_in / options.groups, kernel, kernel}));
  if (with_bias) bias = register_parameter("bias", Tensor::zeros({channels_out}));
}

void Conv2d::release_weight() const {
  if (is_inference_only()) weight.replace(Tensor::empty({0}, weight.dtype()));
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

OldBatchNormOptions BatchNorm2d::options(Clamp clamp) const {
  return {.training = is_training(), .momentum = momentum, .epsilon = epsilon, .clamp = clamp};
}

void BatchNorm2d::count_batch() const {
  if (is_training()) ++*num_batches_tracked.mutable_data<std::int64_t>();
}

Tensor BatchNorm2d::forward(const Tensor& x, Clamp clamp, const Tensor& residual,
                            const ChannelStatistics& statistics) const {
  count_batch();
  return old_batch_norm(x, weight, bias, running_mean, running_var, options(clamp), residual, statistics);
}

UnnormalisedImage BatchNorm2d::unnormalised(const Tensor& x, Clamp clamp,
                                            const ChannelStatistics& statistics) const {
  return {x, statistics, tensors(), options(clamp)};
}

Linear::Linear(std::int64_t features_in, std::int64_t features_out) {
  weight = register_parameter("weight", Tensor::zeros({features_out, features_in}));
  bias = register_parameter("bias", Tensor::zeros({features_out}));
}

Tensor Linear::forward(const Tensor& x) const { return add(matmul(x, permute(weight, {1, 0})), bias); }

std::uint64_t folded_version(const Conv2d& conv, const BatchNorm2d& bn) {
  // Versions only grow, so their sum changes exactly when one of them does.
  return conv.weight.version() + bn.weight.version() + bn.bias.version() + bn.running_mean.version() +
         bn.running_var.version();
}

namespace {

/// Throws Error where Conv2d::release_weight has let go of it.
void check_has_weight(const Conv2d& conv, const char* op) {
  WEFT_CHECK(conv.weight.count() > 0, "[{}] the weight is gone: the network is for inference only, and has run", op);
}

}  // namespace

FoldedConv fold(const Conv2d& conv, const BatchNorm2d& bn) {
  check_has_weight(conv, "fold");
  Tensor w = conv.weight.clone();
  Tensor b = bn.bias.clone();
  const std::int64_t filters = w.size(0), filter_size = w.count() / filters;
  dispatch_float(w.dtype(), "fold", [&](auto zero) {
    using T = decltype(zero);
    T* wp = w.mutable_data<T>();
    T* bp = b.mutable_data<T>();
    for (std::int64_t k = 0; k < filters; ++k) {
      const T factor =
          bn.weight.data<T>()[k] / std::sqrt(bn.running_var.data<T>()[k] + static_cast<T>(BatchNorm2d::epsilon));
      for (std::int64_t i = 0; i < filter_size; ++i) wp[k * filter_size + i] *= factor;
      bp[k] -= factor * bn.running_mean.data<T>()[k];
    }
  });
  return {w, b};
}

bool can_fold(const Conv2d& conv, const BatchNorm2d& bn, const Tensor& x, const Tensor& other) {
  return !bn.is_training() && !needs_recording({x, conv.weight, bn.weight, bn.bias, other});
}

const PackedConv& Conv2d::folded(const BatchNorm2d& bn, std::int64_t upsampled_channels) const {
  const auto version = [&] { return folded_version(*this, bn); };
  const auto pack = [&] {
    const FoldedConv conv = fold(*this, bn);
    const PackedConv packed(conv.weight, conv.bias, options, upsampled_channels);
    release_weight();
    return packed;
  };
  return folded_.get(version, pack);
}

const PackedConv& Conv2d::packed() const {
  const auto version = [&] { return weight.version() + (bias.defined() ? bias.version() : 0); };
  const auto pack = [&] {
    check_has_weight(*this, "pack");
    const PackedConv packed(weight, bias, options);
    release_weight();
    return packed;
  };
  return packed_.get(version, pack);
}

namespace {

/// convolve(statistics) by conv's weight, for bn to follow.
template <class Convolve>
Hidden convolve_for(const Conv2d& conv, const BatchNorm2d& bn, Clamp clamp, Convolve&& convolve) {
  conv.forget_folded();
  ChannelStatistics statistics;
  const Tensor y = convolve(bn.is_training() ? &statistics : nullptr);
  return {bn.unnormalised(y, clamp, statistics), &bn};
}

/// The image with batch norm, residual and activation applied.
Tensor finish(const Hidden& hidden, const Tensor& residual = Tensor()) {
  const UnnormalisedImage& image = hidden.image;
  return hidden.bn->forward(image.x, image.options.clamp, residual, image.statistics);
}

bool can_fold(const ConvBnAct& layer, const Conv2d& last, const Tensor& x) {
  return nn::can_fold(layer.conv, layer.bn, x, last.weight) && !needs_recording({last.bias});
}

}  // namespace

/// What it means, in plain operations.
static Tensor plain_conv_bn(const Conv2d& conv, const BatchNorm2d& bn, Clamp clamp, const Tensor& x,
                            const Tensor& residual = Tensor()) {
  Tensor y = conv2d(x, conv.weight, conv.bias, conv.options);
  bn.count_batch();
  y = batch_norm(y, bn.weight, bn.bias, bn.running_mean, bn.running_var,
                 {.training = bn.is_training(), .momentum = BatchNorm2d::momentum, .epsilon = BatchNorm2d::epsilon});
  if (residual.defined()) y = add(y, residual);
  return clips(clamp) ? weft::clamp(y, static_cast<double>(clamp.lower), static_cast<double>(clamp.upper)) : y;
}

Tensor conv_bn(const Conv2d& conv, const BatchNorm2d& bn, Clamp clamp, const Tensor& x,
               const Tensor& residual) {
  if (!x.has_numbers()) return plain_conv_bn(conv, bn, clamp, x, residual);
  if (can_fold(conv, bn, x, residual)) return conv.folded(bn, 0).forward(x, clamp, residual);
  const auto convolve = [&](ChannelStatistics* statistics) { return conv.forward(x, statistics); };
  return finish(convolve_for(conv, bn, clamp, convolve), residual);
}

Hidden conv_to_hidden(const Conv2d& conv, const BatchNorm2d& bn, Clamp clamp, const Tensor& x) {
  if (!x.has_numbers()) return {{.x = plain_conv_bn(conv, bn, clamp, x)}};
  if (can_fold(conv, bn, x)) return {{.x = conv.folded(bn, 0).forward(x, clamp)}};
  return convolve_for(conv, bn, clamp, [&](ChannelStatistics* statistics) { return conv.forward(x, statistics); });
}

Hidden upsample_conv_to_hidden(const Conv2d& conv, const BatchNorm2d& bn, Clamp clamp, const Tensor& x,
                               const Tensor& skip) {
  if (!x.has_numbers()) {
    const Tensor up = upsample_nearest2x(x);
    return {{.x = plain_conv_bn(conv, bn, clamp, skip.defined() ? concat_channels({up, skip}) : up)}};
  }
  if (can_fold(conv, bn, x, skip)) return {{.x = conv.folded(bn, x.size(3)).forward_upsampled(x, skip, clamp)}};
  return convolve_for(conv, bn, clamp,
                      [&](ChannelStatistics* statistics) { return upsample_conv2d(x, skip, conv.weight, statistics); });
}

Tensor conv_bn(const Conv2d& conv, const BatchNorm2d& bn, Clamp clamp, const Hidden& hidden,
               const Tensor& residual) {
  const UnnormalisedImage& image = hidden.image;
  if (hidden.bn == nullptr) return conv_bn(conv, bn, clamp, image.x, residual);
  if (can_fold(conv, bn, image.x, residual) || conv.bias.defined() ||
      !normalised_conv2d_supports(image, conv.weight, conv.options))
    return conv_bn(conv, bn, clamp, finish(hidden), residual);
  hidden.bn->count_batch();
  const auto convolve = [&](ChannelStatistics* statistics) {
    return normalised_conv2d(image, conv.weight, conv.options, statistics);
  };
  return finish(convolve_for(conv, bn, clamp, convolve), residual);
}

ConvBnAct::ConvBnAct(std::int64_t channels_in, std::int64_t channels_out, std::int64_t kernel,
                     const Conv2dOptions& options, Clamp clamp_)
    : conv(channels_in, channels_out, kernel, options), bn(channels_out), clamp(clamp_) {
  register_module("0", conv);
  register_module("1", bn);
}

Tensor upsample_then_convs(const ConvBnAct& first, const ConvBnAct& second, const Conv2d& last, const Tensor& x) {
  if (!x.has_numbers() || !can_fold(first, last, x) || !can_fold(second, last, x))
    return conv_then_conv(second, last, upsample_conv_to_hidden(first.conv, first.bn, first.clamp, x, Tensor()));
  const PackedStep steps[] = {{&first.conv.folded(first.bn, x.size(3)), first.clamp},
                              {&second.conv.folded(second.bn, 0), second.clamp},
                              {&last.packed(), no_clamp}};
  return forward_chain(steps, x);
}

Tensor conv_then_conv(const ConvBnAct& second, const Conv2d& last, Hidden hidden) {
  if (hidden.bn != nullptr || !hidden.image.x.has_numbers() || !can_fold(second, last, hidden.image.x)) {
    last.forget_folded();
    const Tensor y = second.forward(hidden);
    hidden = {};  // its memory is wanted again
    return last.forward(y);
  }
  const PackedStep steps[] = {{&second.conv.folded(second.bn, 0), second.clamp},
                              {&last.packed(), no_clamp}};
  return forward_chain(steps, hidden.image.x);
}

}  // namespace weft::nn
