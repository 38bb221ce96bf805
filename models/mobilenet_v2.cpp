#include "models/mobilenet_v2.h"

namespace weft {
namespace {

struct Stage {
  std::int64_t expansion, channels;
  int blocks;
  std::int64_t stride;  // of the first block
};

// Table 2 of the paper.
constexpr Stage table[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                           {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};

// features.1, .3, .6 and .13 are the last before each halving; the fifth tap is the network's end, features.18.
bool is_tap(std::size_t index) { return index == 1 || index == 3 || index == 6 || index == 13; }

}  // namespace

InvertedResidual::InvertedResidual(std::int64_t channels_in, std::int64_t channels_out, std::int64_t stride,
                                   std::int64_t expansion, nn::Activation activation)
    : depthwise_(channels_in * expansion, channels_in * expansion, 3,
                 {.stride = stride, .padding = 1, .groups = channels_in * expansion}, activation),
      project_(channels_in * expansion, channels_out, 1),
      project_bn_(channels_out),
      has_shortcut_(stride == 1 && channels_in == channels_out) {
  if (expansion != 1) {
    expand_ = std::make_unique<nn::ConvBnAct>(channels_in, channels_in * expansion, 1, Conv2dOptions{}, activation);
  }
  int index = 0;
  for (nn::Module* child : std::initializer_list<nn::Module*>{expand_.get(), &depthwise_, &project_, &project_bn_}) {
    if (child != nullptr) sequence_.register_module(std::to_string(index++), *child);
  }
  register_module("conv", sequence_);
}

Tensor InvertedResidual::forward(const Tensor& x) const {
  Tensor y = expand_ ? expand_->forward(x) : x;
  y = depthwise_.forward(y);
  y = project_bn_.forward(project_.forward(y));
  return has_shortcut_ ? add(y, x) : y;
}

MobileNetV2::MobileNetV2(nn::Activation activation)
    : stem_(3, 32, 3, {.stride = 2, .padding = 1}, activation), last_(320, 1280, 1, {}, activation) {
  std::int64_t channels_in = 32;
  for (const Stage& stage : table) {
    for (int block = 0; block < stage.blocks; ++block) {
      blocks_.push_back(std::make_unique<InvertedResidual>(channels_in, stage.channels, block == 0 ? stage.stride : 1,
                                                           stage.expansion, activation));
      channels_in = stage.channels;
    }
  }
  int index = 0;
  features_.register_module(std::to_string(index++), stem_);
  for (const auto& block : blocks_) features_.register_module(std::to_string(index++), *block);
  features_.register_module(std::to_string(index), last_);
  register_module("features", features_);
}

Tensors MobileNetV2::features(const Tensor& x) const {
  Tensors taps;
  Tensor y = stem_.forward(x);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    y = blocks_[i]->forward(y);
    if (is_tap(i + 1)) taps.push_back(y);
  }
  taps.push_back(last_.forward(y));
  return taps;
}

MobileNetV2Classifier::MobileNetV2Classifier() : linear_(1280, 1000) {
  for (const auto& [name, child] : encoder_.children()) register_module(name, *child);
  head_.register_module("1", linear_);
  register_module("classifier", head_);
}

Tensor MobileNetV2Classifier::forward(const Tensor& x) const {
  return linear_.forward(global_avg_pool(encoder_.features(x).back()));
}

}  // namespace weft
