#pragma once

#include "nn/layers.h"

namespace weft {

/// A network that turns a picture into feature maps, each half the size of the one before: what a U-Net's decoder
/// takes. Those of models/registry.h have five; their keys and taps are segmentation_models_pytorch's.
class Encoder : public nn::Module {
 public:
  /// x [N, H, W, 3], normalised -> tensors [N, H / 2^i, W / 2^i, channels()[i - 1]], i = 1, 2, ...
  virtual Tensors features(const Tensor& x) const = 0;
  /// Channels of each feature map.
  virtual std::vector<std::int64_t> channels() const = 0;
  /// Random starting values, as torchvision's: convolutions Kaiming normal by fan out.
  void initialise(std::uint64_t seed) const;
};

/// An encoder with its ImageNet head: logits [N, 1000] from x [N, H, W, 3], in torchvision's keys.
class Classifier : public nn::Module {
 public:
  virtual Tensor forward(const Tensor& x) const = 0;
};

}  // namespace weft
