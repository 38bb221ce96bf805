#include "models/unet.h"

#include <fmt/ranges.h>

#include <algorithm>

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
             {.padding = 1}, relu),
      conv2_(channels_out, channels_out, 3, {.padding = 1}, relu) {
  if (upsample == Upsample::transposed) {
    transposed_ =
        std::make_unique<nn::ConvTranspose2d>(channels_in, channels_out, 2, ConvTranspose2dOptions{.stride = 2});
    register_module("upsample", *transposed_);
  }
  register_module("conv1", conv1_);
  register_module("conv2", conv2_);
}

Tensor DecoderBlock::forward(const Tensor& x, const Tensor& skip) const {
  const Tensor up = upsample_ == Upsample::nearest    ? upsample_nearest2x(x)
                    : upsample_ == Upsample::bilinear ? upsample_bilinear2x(x)
                                                      : transposed_->forward(x);
  return conv2_.forward(conv1_.forward(skip.defined() ? concat_channels({up, skip}) : up));
}

UNet::UNet(const UNetConfig& config) : UNet(config, make_encoder(config.arch)) {}

UNet::UNet(const UNetConfig& config, std::unique_ptr<Encoder> encoder) : config_(config), encoder_(std::move(encoder)) {
  const auto& widths = config.decoder_channels;
  const auto taps = encoder_->channels();
  WEFT_CHECK(taps.size() >= 2 && taps.size() <= 5, "[UNet] expected an encoder of 2 to 5 stages, got {}", taps.size());
  WEFT_CHECK(widths.size() == taps.size() &&
                 std::all_of(widths.begin(), widths.end(), [](auto c) { return c >= 1 && c <= 65536; }),
             "[UNet] expected {} decoder widths from 1 to 65536, got [{}]", taps.size(), fmt::join(widths, ", "));
  WEFT_CHECK(config.classes >= 1, "[UNet] expected at least one class, got {}", config.classes);
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
  const std::int64_t step = std::int64_t{1} << blocks_.size();  // each stage halves, and each block doubles again
  WEFT_CHECK(h > 0 && w > 0 && h % step == 0 && w % step == 0,
             "[UNet] expected height and width to be multiples of {}, got {}; the next such size is {} x {}", step,
             x.shape(), (h + step - 1) / step * step, (w + step - 1) / step * step);
  const Tensors taps = encoder_->features(x);
  Tensor y = taps.back();
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const bool has_skip = i + 1 < taps.size();
    y = blocks_[i].forward(y, has_skip ? taps[taps.size() - 2 - i] : Tensor());
  }
  return head_[0].forward(y);
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
