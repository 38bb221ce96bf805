#include "models/resnet.h"

namespace weft {

BasicBlock::BasicBlock(std::int64_t channels_in, std::int64_t channels_out, std::int64_t stride)
    : conv1_(channels_in, channels_out, 3, {.stride = stride, .padding = 1}),
      conv2_(channels_out, channels_out, 3, {.padding = 1}),
      bn1_(channels_out),
      bn2_(channels_out) {
  register_module("conv1", conv1_);
  register_module("bn1", bn1_);
  register_module("conv2", conv2_);
  register_module("bn2", bn2_);
  if (stride != 1 || channels_in != channels_out) {
    downsample_ =
        std::make_unique<nn::ConvBnAct>(channels_in, channels_out, 1, Conv2dOptions{.stride = stride}, nullptr);
    register_module("downsample", *downsample_);
  }
}

Tensor BasicBlock::forward(const Tensor& x) const {
  Tensor y = relu(bn1_.forward(conv1_.forward(x)));
  y = bn2_.forward(conv2_.forward(y));
  return relu(add(y, downsample_ ? downsample_->forward(x) : x));
}

ResNet::ResNet(const std::array<int, 4>& blocks) : conv1_(3, 64, 7, {.stride = 2, .padding = 3}), bn1_(64) {
  register_module("conv1", conv1_);
  register_module("bn1", bn1_);
  std::int64_t channels_in = 64;
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    const std::int64_t channels_out = std::int64_t{64} << layer;
    for (int block = 0; block < blocks[layer]; ++block) {
      layers_[layer].add(channels_in, channels_out, layer > 0 && block == 0 ? 2 : 1);
      channels_in = channels_out;
    }
    register_module("layer" + std::to_string(layer + 1), layers_[layer]);
  }
}

Tensors ResNet::features(const Tensor& x) const {
  Tensors taps{relu(bn1_.forward(conv1_.forward(x)))};
  Tensor y = max_pool2d(taps[0], {.kernel = 3, .stride = 2, .padding = 1});
  for (const auto& layer : layers_) {
    for (const auto& block : layer) y = block->forward(y);
    taps.push_back(y);
  }
  return taps;
}

ResNetClassifier::ResNetClassifier(const std::array<int, 4>& blocks) : encoder_(blocks), fc_(512, 1000) {
  for (const auto& [name, child] : encoder_.children()) register_module(name, *child);
  register_module("fc", fc_);
}

Tensor ResNetClassifier::forward(const Tensor& x) const {
  return fc_.forward(global_avg_pool(encoder_.features(x).back()));
}

}  // namespace weft
