#pragma once
// The U-Net (Ronneberger et al. 2015, arXiv:1505.04597) with an ImageNet encoder, wired as
// segmentation_models_pytorch wires it:
//
//   encoder taps      stride 2    4    8    16    32
//                       |    |    |     |     |
//   decoder     head <- 4 <- 3 <- 2 <-  1 <-  0         block i: up x2, concat [up, skip], conv-bn-relu twice
//
// The last block has no skip: nothing at stride 1 is left but the picture itself.

#include <memory>
#include <string>

#include "models/encoder.h"
#include "nn/module_list.h"

namespace weft {

enum class Upsample { nearest, bilinear, transposed };

struct UNetConfig {
  std::string arch = "mobilenet_v2";
  std::vector<std::int64_t> decoder_channels = {256, 128, 64, 32, 16};
  Upsample upsample = Upsample::nearest;
  std::int64_t classes = 1;

  bool operator==(const UNetConfig&) const = default;
};

/// "nearest", "bilinear", "transposed"; the second form throws Error for any other name.
std::string to_string(Upsample upsample);
Upsample upsample_from(const std::string& name);

/// Up x2, concatenate the skip, two 3x3 convolutions with batch norm and ReLU.
class DecoderBlock : public nn::Module {
 public:
  /// With Upsample::transposed a learned 2x2 stride-2 transposed convolution `upsample` maps channels_in to
  /// channels_out first; the other two keep channels_in. channels_skip may be 0.
  DecoderBlock(std::int64_t channels_in, std::int64_t channels_skip, std::int64_t channels_out, Upsample upsample);
  /// x [N, H, W, channels_in], skip [N, 2H, 2W, channels_skip] or undefined -> [N, 2H, 2W, channels_out].
  Tensor forward(const Tensor& x, const Tensor& skip) const;

 private:
  const Upsample upsample_;
  std::unique_ptr<nn::ConvTranspose2d> transposed_;
  nn::ConvBnAct conv1_, conv2_;
};

class UNet : public nn::Module {
 public:
  /// Height and width of the input must be multiples of this, with the architectures of models/registry.h: five
  /// halvings.
  static constexpr std::int64_t stride = 32;

  /// Throws Error for an unknown architecture, or where decoder_channels is not five positive numbers.
  explicit UNet(const UNetConfig& config);
  /// With an encoder of one's own, of 2 to 5 stages, and as many decoder_channels; config.arch is only its name. Throws
  /// Error for other numbers of either.
  UNet(const UNetConfig& config, std::unique_ptr<Encoder> encoder);

  /// x [N, H, W, 3], normalised -> logits [N, H, W, classes]. Throws Error where H or W is not a multiple of two to the
  /// number of stages.
  Tensor forward(const Tensor& x) const;

  /// Starting values as smp's: decoder Kaiming uniform by fan in, head Xavier uniform, encoder as its own.
  void initialise(std::uint64_t seed) const;

  const UNetConfig& config() const { return config_; }
  Encoder& encoder() const { return *encoder_; }

 private:
  const UNetConfig config_;
  std::unique_ptr<Encoder> encoder_;
  nn::Module decoder_;
  nn::ModuleList<DecoderBlock> blocks_;
  nn::ModuleList<nn::Conv2d> head_;
};

}  // namespace weft
