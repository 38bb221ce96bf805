#pragma once
// The U-Net as its paper draws it (Ronneberger, Fischer, Brox 2015, arXiv:1505.04597, figure 1), with two changes that
// everybody makes today: batch norm, and padding, so that the output is as large as the input.
//
//   x -> A ------------------------------> F -> 1x1 -> logits       A..E, F..: two 3x3 convolutions, each with batch
//        | max pool                        ^ up                                norm and ReLU
//        B ----------------------> G ------'
//        | max pool                ^ up                             channels: width, 2 width, ... 16 width
//        C ...            ... H ---'
//
// Nothing in here knows how it will be computed.

#include <weft/weft.h>

namespace weft::example {

class DoubleConv : public nn::Module {
 public:
  DoubleConv(std::int64_t channels_in, std::int64_t channels_out)
      : conv1_(channels_in, channels_out, 3, {.padding = 1}),
        conv2_(channels_out, channels_out, 3, {.padding = 1}),
        bn1_(channels_out),
        bn2_(channels_out) {
    register_module("conv1", conv1_);
    register_module("bn1", bn1_);
    register_module("conv2", conv2_);
    register_module("bn2", bn2_);
  }

  Tensor forward(const Tensor& x) const {
    const Tensor y = relu(bn1_.forward(conv1_.forward(x)));
    return relu(bn2_.forward(conv2_.forward(y)));
  }

 private:
  nn::Conv2d conv1_, conv2_;
  nn::BatchNorm2d bn1_, bn2_;
};

class ClassicUNet : public nn::Module {
 public:
  static constexpr int halvings = 4;

  /// `width`: the channels of the first level, 64 in the paper. With `transposed` the way up is a learned 2x2
  /// convolution that halves the channels, as in the paper; else bilinear.
  ClassicUNet(std::int64_t width, bool transposed) : transposed_(transposed), head_(width, 1, 1, {}, true) {
    down_.add(3, width);
    for (int i = 0; i < halvings; ++i) down_.add(width << i, width << (i + 1));
    for (int i = halvings - 1; i >= 0; --i) {
      const std::int64_t skip = width << i, below = width << (i + 1);
      if (transposed) up_.add(below, skip, 2, ConvTranspose2dOptions{.stride = 2});
      join_.add(skip + (transposed ? skip : below), skip);
    }
    register_module("down", down_);
    if (transposed) register_module("up", up_);
    register_module("join", join_);
    register_module("head", head_);
  }

  /// x [N, H, W, 3], H and W multiples of 16 -> logits [N, H, W, 1].
  Tensor forward(const Tensor& x) const {
    Tensors levels{down_[0].forward(x)};
    for (std::size_t i = 1; i < down_.size(); ++i) levels.push_back(down_[i].forward(max_pool2d(levels.back(), {})));
    Tensor y = levels.back();
    for (std::size_t i = 0; i < join_.size(); ++i) {
      const Tensor larger = transposed_ ? up_[i].forward(y) : upsample_bilinear2x(y);
      y = join_[i].forward(concat_channels({levels[levels.size() - 2 - i], larger}));
    }
    return head_.forward(y);
  }

  /// Kaiming's starting values.
  void initialise(std::uint64_t seed) const {
    for (const auto& [name, tensor] : named_parameters()) {
      if (tensor.rank() == 4) nn::kaiming_uniform_fan_in(tensor, nn::parameter_stream(seed, name));
    }
  }

 private:
  const bool transposed_;
  nn::ModuleList<DoubleConv> down_, join_;
  nn::ModuleList<nn::ConvTranspose2d> up_;
  nn::Conv2d head_;
};

}  // namespace weft::example
