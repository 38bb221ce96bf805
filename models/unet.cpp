#include "models/unet.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "core/allocator.h"
#include "core/autograd.h"
#include "models/registry.h"
#include "nn/init.h"

namespace weft {

std::string to_string(Upsample upsample) {
  switch (upsample) {
    case Upsample::nearest:
      return "nearest";
    case Upsample::bilinear:
      return "bilinear";
    default:
      return "transposed";
  }
}

Upsample upsample_from(const std::string& name) {
  for (Upsample u : {Upsample::nearest, Upsample::bilinear, Upsample::transposed}) {
    if (to_string(u) == name) return u;
  }
  fail("unknown upsampling '{}'; there are nearest, bilinear, transposed", name);
}

DecoderBlock::DecoderBlock(std::int64_t channels_in, std::int64_t channels_skip, std::int64_t channels_out,
                           Upsample upsample)
    : upsample_(upsample),
      conv1_((upsample == Upsample::transposed ? channels_out : channels_in) + channels_skip, channels_out, 3,
             {.padding = 1}, relu_clamp),
      conv2_(channels_out, channels_out, 3, {.padding = 1}, relu_clamp) {
  if (upsample == Upsample::transposed) {
    transposed_ =
        std::make_unique<nn::ConvTranspose2d>(channels_in, channels_out, 2, ConvTranspose2dOptions{.stride = 2});
    register_module("upsample", *transposed_);
  }
  register_module("conv1", conv1_);
  register_module("conv2", conv2_);
}

nn::Hidden DecoderBlock::first_half(const Tensor& x, const Tensor& skip) const {
  if (upsample_ == Upsample::nearest)
    return nn::upsample_conv_to_hidden(conv1_.conv, conv1_.bn, conv1_.clamp, x, skip);
  const Tensor up = upsample_ == Upsample::bilinear ? upsample_bilinear2x(x) : transposed_->forward(x);
  const Tensor joined = skip.defined() ? concat_channels({up, skip}) : up;
  return nn::conv_to_hidden(conv1_.conv, conv1_.bn, conv1_.clamp, joined);
}

Tensor DecoderBlock::forward_then(const nn::Conv2d& next, const Tensor& x) const {
  if (upsample_ == Upsample::nearest) return nn::upsample_then_convs(conv1_, conv2_, next, x);
  return nn::conv_then_conv(conv2_, next, first_half(x, Tensor()));
}

UNet::UNet(const UNetConfig& config) : config_(config), encoder_(make_encoder(config.arch)) {
  const auto& widths = config.decoder_channels;
  WEFT_CHECK(widths.size() == Encoder::stages &&
                 std::all_of(widths.begin(), widths.end(), [](auto c) { return c >= 1 && c <= 65536; }),
             "[UNet] expected {} decoder widths from 1 to 65536, got [{}]", Encoder::stages, fmt::join(widths, ", "));
  WEFT_CHECK(config.classes >= 1, "[UNet] expected at least one class, got {}", config.classes);
  const auto taps = encoder_->channels();
  std::int64_t channels_in = taps.back();
  for (std::size_t i = 0; i < widths.size(); ++i) {
    const std::int64_t skip = i + 1 < taps.size() ? taps[taps.size() - 2 - i] : 0;
    blocks_.add(channels_in, skip, widths[i], config.upsample);
    channels_in = widths[i];
  }
  head_.add(channels_in, config.classes, 3, Conv2dOptions{.padding = 1}, true);

  register_module("encoder", *encoder_);
  register_module("decoder", decoder_);
  decoder_.register_module("blocks", blocks_);
  register_module("segmentation_head", head_);
}

Tensor UNet::forward(const Tensor& x) const {
  const auto [n, h, w, c] = x.nhwc();
  WEFT_CHECK(c == 3, "[UNet] expected 3 channels (RGB), got {}", x.shape());
  WEFT_CHECK(h > 0 && w > 0 && h % stride == 0 && w % stride == 0,
             "[UNet] expected height and width to be multiples of {}, got {}; the next such size is {} x {}", stride,
             x.shape(), (h + stride - 1) / stride * stride, (w + stride - 1) / stride * stride);
  const Tensors taps = encoder_->features(x);
  Tensor y = taps.back();
  const std::size_t last = blocks_.size() - 1;
  for (std::size_t i = 0; i < last; ++i) y = blocks_[i].forward(y, taps[taps.size() - 2 - i]);
  return blocks_[last].forward_then(head_[0], y);
}

void UNet::prepare_inference() {
  eval();
  set_inference_only();
  {
    const NoGrad no_grad;
    forward(Tensor::zeros({1, stride, stride, 3}));
  }
  release_cached_memory();
}

void UNet::initialise(std::uint64_t seed) const {
  encoder_->initialise(seed);
  for (const auto& [name, tensor] : named_parameters()) {
    if (tensor.rank() != 4) continue;
    if (name.starts_with("decoder.")) nn::kaiming_uniform_fan_in(tensor, nn::parameter_stream(seed, name));
    if (name.starts_with("segmentation_head.")) nn::xavier_uniform(tensor, nn::parameter_stream(seed, name));
  }
}

}  // namespace weft
