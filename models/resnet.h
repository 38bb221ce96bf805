#pragma once
// ResNet-18 and ResNet-34 (He et al. 2015, arXiv:1512.03385), with torchvision's keys.
//
//   conv1 7x7 /2 - bn1 - relu            stride 2    64 channels   tap 1
//   maxpool 3x3 /2 - layer1              stride 4    64            tap 2
//   layer2 .. layer4                     stride 8..32   128, 256, 512   taps 3..5

#include "models/encoder.h"
#include "nn/module_list.h"

namespace weft {

/// relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)); the shortcut is x, or a 1x1 convolution where the shape
/// changes.
class BasicBlock : public nn::Module {
 public:
  BasicBlock(std::int64_t channels_in, std::int64_t channels_out, std::int64_t stride);
  Tensor forward(const Tensor& x) const;

 private:
  nn::Conv2d conv1_, conv2_;
  nn::BatchNorm2d bn1_, bn2_;
  std::unique_ptr<nn::ConvBnAct> downsample_;
};

class ResNet : public Encoder {
 public:
  /// `blocks`: how many BasicBlocks each of the four layers has: 2, 2, 2, 2 for ResNet-18, 3, 4, 6, 3 for ResNet-34.
  explicit ResNet(const std::array<int, 4>& blocks);
  Tensors features(const Tensor& x) const override;
  std::vector<std::int64_t> channels() const override { return {64, 64, 128, 256, 512}; }

 private:
  nn::Conv2d conv1_;
  nn::BatchNorm2d bn1_;
  std::array<nn::ModuleList<BasicBlock>, 4> layers_;
};

/// ResNet with its ImageNet head `fc`.
class ResNetClassifier : public Classifier {
 public:
  explicit ResNetClassifier(const std::array<int, 4>& blocks);
  Tensor forward(const Tensor& x) const override;
  const ResNet& encoder() const { return encoder_; }

 private:
  ResNet encoder_;
  nn::Linear fc_;
};

}  // namespace weft
