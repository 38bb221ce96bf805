#pragma once
// The layers: modules that hold the parameters of one operation of core/ops.h. Names and defaults are
// PyTorch's. Weights start at zero (a normalisation's scale at one); nn/init.h gives them values.

#include "core/ops.h"
#include "nn/module.h"

namespace weft::nn {

/// conv2d: weight [Cout, Cin / groups, K, K], bias [Cout] where wanted.
class Conv2d : public Module {
 public:
  Conv2d(std::int64_t channels_in, std::int64_t channels_out, std::int64_t kernel, const Conv2dOptions& options = {},
         bool with_bias = false);

  /// x [N, H, W, Cin] -> [N, OH, OW, Cout].
  Tensor forward(const Tensor& x) const { return conv2d(x, weight, bias, options); }

  const Conv2dOptions options;
  Tensor weight, bias;  // bias undefined where there is none
};

/// Transposed convolution: weight [Cin, Cout, K, K], bias [Cout] where wanted.
class ConvTranspose2d : public Module {
 public:
  ConvTranspose2d(std::int64_t channels_in, std::int64_t channels_out, std::int64_t kernel,
                  const ConvTranspose2dOptions& options = {}, bool with_bias = true);

  /// x [N, H, W, Cin] -> [N, OH, OW, Cout].
  Tensor forward(const Tensor& x) const { return conv_transpose2d(x, weight, bias, options); }

  const ConvTranspose2dOptions options;
  Tensor weight, bias;
};

/// Batch normalisation over N, H, W: momentum 0.1, epsilon 1e-5.
class BatchNorm2d : public Module {
 public:
  explicit BatchNorm2d(std::int64_t channels);

  /// x [N, H, W, C]: by the batch's statistics in training mode, by the running ones otherwise.
  Tensor forward(const Tensor& x) const;

  Tensor weight, bias;  // gamma, beta
  Tensor running_mean, running_var;
  Tensor num_batches_tracked;  // int64 scalar, counted as PyTorch does

  static constexpr double momentum = 0.1;
  static constexpr double epsilon = 1e-5;
};

/// Group normalisation (Wu, He 2018, arXiv:1803.08494): each picture by the mean and variance of each group of its
/// channels, the same in training and evaluation. epsilon 1e-5.
class GroupNorm : public Module {
 public:
  /// Throws Error where the channels don't divide into the groups.
  GroupNorm(std::int64_t groups, std::int64_t channels);

  /// x [N, H, W, C].
  Tensor forward(const Tensor& x) const;

  Tensor weight, bias;  // gamma, beta [C]

  static constexpr double epsilon = 1e-5;

 private:
  const std::int64_t groups_;
};

/// Dropout: in training mode each element is kept with probability 1 - p and then divided by it.
class Dropout : public Module {
 public:
  explicit Dropout(double p, std::uint64_t seed = 0);

  Tensor forward(const Tensor& x) const { return dropout(x, p, is_training(), stream); }

  const double p;
  Tensor
      stream;  // int64 [2]: the seed, and how often it was drawn from; a buffer, so that a resumed run goes on with it
};

/// y = x W' + b: weight [out, in], bias [out].
class Linear : public Module {
 public:
  Linear(std::int64_t features_in, std::int64_t features_out);

  /// x [N, in] -> [N, out].
  Tensor forward(const Tensor& x) const;

  Tensor weight, bias;
};

/// What follows a normalisation, such as relu; null: nothing.
using Activation = Tensor (*)(const Tensor&);

/// Convolution "0", batch norm "1" and an activation: torchvision's and smp's Conv2dNormActivation.
class ConvBnAct : public Module {
 public:
  ConvBnAct(std::int64_t channels_in, std::int64_t channels_out, std::int64_t kernel, const Conv2dOptions& options,
            Activation activation);

  Tensor forward(const Tensor& x) const;

  Conv2d conv;
  BatchNorm2d bn;
  const Activation activation;
};

}  // namespace weft::nn
