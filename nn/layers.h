#pragma once
// The layers: modules that hold the parameters of one operation of core/ops.h. Names and defaults are
// PyTorch's. Weights start at zero (batch norm's scale at one); nn/init.h gives them values.

#include "core/ops.h"
#include "core/ops/old.h"
#include "core/ops/inverted_residual.h"
#include "core/ops/normalised_conv2d.h"
#include "core/ops/packed_conv.h"
#include "nn/module.h"
#include "nn/packed_cache.h"

namespace weft::nn {

class BatchNorm2d;
class ConvBnAct;
struct Hidden;

/// conv2d: weight [Cout, Cin / groups, K, K], bias [Cout] where wanted.
class Conv2d : public Module {
 public:
  Conv2d(std::int64_t channels_in, std::int64_t channels_out, std::int64_t kernel, const Conv2dOptions& options = {},
         bool with_bias = false);

  Tensor forward(const Tensor& x, ChannelStatistics* statistics = nullptr) const {
    if (!x.has_numbers()) return conv2d(x, weight, bias, options);
    return old_conv2d(x, weight, bias, options, statistics);
  }

  const Conv2dOptions options;
  Tensor weight, bias;  // bias undefined where there is none

  /// Training changes the weights at each step; until the next evaluation the folded copy only takes memory.
  void forget_folded() const { folded_.forget(), packed_.forget(); }
  /// Leaves the weight without values where the layer is for inference only: whoever calls this has packed them.
  void release_weight() const;

 private:
  friend Tensor conv_bn(const Conv2d&, const BatchNorm2d&, Clamp, const Tensor&, const Tensor&);
  friend Tensor upsample_then_convs(const ConvBnAct&, const ConvBnAct&, const Conv2d&, const Tensor&);
  friend Tensor conv_then_conv(const ConvBnAct&, const Conv2d&, Hidden);
  friend Hidden conv_to_hidden(const Conv2d&, const BatchNorm2d&, Clamp, const Tensor&);
  friend Hidden upsample_conv_to_hidden(const Conv2d&, const BatchNorm2d&, Clamp, const Tensor&, const Tensor&);
  /// The convolution that equals this one followed by `bn` in evaluation mode. With upsampled_channels > 0 it is
  /// for upsample_conv_to_hidden.
  const PackedConv& folded(const BatchNorm2d& bn, std::int64_t upsampled_channels) const;
  /// This one alone.
  const PackedConv& packed() const;
  PackedCache<PackedConv> folded_, packed_;
};

/// Transposed convolution: weight [Cin, Cout, K, K], bias [Cout] where wanted.
class ConvTranspose2d : public Module {
 public:
  ConvTranspose2d(std::int64_t channels_in, std::int64_t channels_out, std::int64_t kernel,
                  const ConvTranspose2dOptions& options = {}, bool with_bias = true);

  Tensor forward(const Tensor& x) const { return conv_transpose2d(x, weight, bias, options); }

  const ConvTranspose2dOptions options;
  Tensor weight, bias;
};

/// Batch normalisation over N, H, W: momentum 0.1, epsilon 1e-5.
class BatchNorm2d : public Module {
 public:
  explicit BatchNorm2d(std::int64_t channels);

  /// clamp(batch_norm(x) + residual): by the batch's statistics in training mode, by the running ones otherwise.
  /// `statistics` are x's where they are known.
  Tensor forward(const Tensor& x, Clamp clamp = no_clamp, const Tensor& residual = Tensor(),
                 const ChannelStatistics& statistics = {}) const;

  BatchNormTensors tensors() const { return {weight, bias, running_mean, running_var}; }
  /// x for who normalises it by other means.
  UnnormalisedImage unnormalised(const Tensor& x, Clamp clamp, const ChannelStatistics& statistics) const;

  /// Counts a batch in training mode. For forward, and for who normalises by other means.
  void count_batch() const;

  Tensor weight, bias;  // gamma, beta
  Tensor running_mean, running_var;
  Tensor num_batches_tracked;  // int64 scalar, counted as PyTorch does

  static constexpr double momentum = 0.1;
  static constexpr double epsilon = 1e-5;

 private:
  OldBatchNormOptions options(Clamp clamp) const;
};

/// y = x W' + b: weight [out, in], bias [out].
class Linear : public Module {
 public:
  Linear(std::int64_t features_in, std::int64_t features_out);

  /// x [N, in] -> [N, out].
  Tensor forward(const Tensor& x) const;

  Tensor weight, bias;
};

/// The convolution that equals `conv` followed by `bn` in evaluation mode:
///
///   gamma (w * x - mean) / s + beta  =  (gamma / s) w * x + (beta - gamma mean / s),     s = sqrt(var + eps)
struct FoldedConv {
  Tensor weight, bias;
};
/// Throws Error where the weight has been released.
FoldedConv fold(const Conv2d& conv, const BatchNorm2d& bn);
/// A number that changes whenever the result of fold() may: the key of what is kept of it.
std::uint64_t folded_version(const Conv2d& conv, const BatchNorm2d& bn);
/// True where batch norm is a constant of the convolution: nothing is to be learned from x and `other` through it
/// (evaluation mode without gradients, or a frozen module).
bool can_fold(const Conv2d& conv, const BatchNorm2d& bn, const Tensor& x, const Tensor& other = Tensor());

/// clamp(bn(conv(x)) + residual); `residual` may be undefined. Where can_fold, it runs as one convolution.
Tensor conv_bn(const Conv2d& conv, const BatchNorm2d& bn, Clamp clamp, const Tensor& x,
               const Tensor& residual = Tensor());

/// What a convolution has made for a batch norm and an activation to follow. Where `bn` is null they have been applied;
/// else they may be left to the convolution that reads it (core/ops/normalised_conv2d.h).
struct Hidden {
  UnnormalisedImage image;
  const BatchNorm2d* bn = nullptr;
};

/// conv_bn for an output that goes nowhere but into one more convolution.
Hidden conv_to_hidden(const Conv2d& conv, const BatchNorm2d& bn, Clamp clamp, const Tensor& x);
/// The same with upsample_conv2d(x, skip, weight): the first half of a decoder block. `skip` may be undefined.
Hidden upsample_conv_to_hidden(const Conv2d& conv, const BatchNorm2d& bn, Clamp clamp, const Tensor& x,
                               const Tensor& skip);
/// That convolution: clamp(bn(conv(hidden)) + residual).
Tensor conv_bn(const Conv2d& conv, const BatchNorm2d& bn, Clamp clamp, const Hidden& hidden,
               const Tensor& residual = Tensor());

/// Convolution "0" and batch norm "1" with an activation: torchvision's and smp's Conv2dNormActivation.
class ConvBnAct : public Module {
 public:
  ConvBnAct(std::int64_t channels_in, std::int64_t channels_out, std::int64_t kernel, const Conv2dOptions& options,
            Clamp clamp);

  Tensor forward(const Tensor& x) const { return conv_bn(conv, bn, clamp, x); }
  Tensor forward(const Hidden& x) const { return conv_bn(conv, bn, clamp, x); }
  /// The tensors alone, for an operation that does all of this.
  NormalisedConv parameters() const { return {conv.weight, bn.tensors()}; }

  Conv2d conv;
  BatchNorm2d bn;
  const Clamp clamp;
};

/// last(second(first(x upsampled by two))): the end of a network. Where nothing is to be learned from any of them they
/// are folded, and run in one pass over the picture where the kernels can (forward_chain).
Tensor upsample_then_convs(const ConvBnAct& first, const ConvBnAct& second, const Conv2d& last, const Tensor& x);
/// The same of two: last(second(hidden)).
Tensor conv_then_conv(const ConvBnAct& second, const Conv2d& last, Hidden hidden);

}  // namespace weft::nn
