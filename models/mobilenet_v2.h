#pragma once
// MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381), width 1, with torchvision's keys.
//
// Its block turns the usual bottleneck around: a 1x1 convolution expands the channels sixfold, a 3x3
// depthwise convolution works on each of them alone, and a 1x1 convolution projects back to few channels,
// without an activation, because a ReLU would destroy information there.

#include "models/encoder.h"
#include "nn/module_list.h"

namespace weft {

class InvertedResidual : public nn::Module {
 public:
  InvertedResidual(std::int64_t channels_in, std::int64_t channels_out, std::int64_t stride, std::int64_t expansion,
                   nn::Activation activation = relu6);
  /// x + project(depthwise(expand(x))); without the x where the shape changes.
  Tensor forward(const Tensor& x) const;

 private:
  nn::Module sequence_;  // "conv": its children are numbered, with the projection's two apart
  std::unique_ptr<nn::ConvBnAct> expand_;
  nn::ConvBnAct depthwise_;
  nn::Conv2d project_;
  nn::BatchNorm2d project_bn_;
  const bool has_shortcut_;
};

class MobileNetV2 : public Encoder {
 public:
  explicit MobileNetV2(nn::Activation activation = relu6);
  Tensors features(const Tensor& x) const override;
  std::vector<std::int64_t> channels() const override { return {16, 24, 32, 96, 1280}; }

 private:
  nn::Module features_;
  nn::ConvBnAct stem_;                                     // features.0
  std::vector<std::unique_ptr<InvertedResidual>> blocks_;  // features.1 .. features.17
  nn::ConvBnAct last_;                                     // features.18
};

/// MobileNetV2 with its ImageNet head `classifier.1` (`classifier.0` is dropout, p 0.2, which evaluation skips).
class MobileNetV2Classifier : public Classifier {
 public:
  MobileNetV2Classifier();
  Tensor forward(const Tensor& x) const override;
  const MobileNetV2& encoder() const { return encoder_; }

 private:
  MobileNetV2 encoder_;
  nn::Module head_;
  nn::Linear linear_;
};

}  // namespace weft
