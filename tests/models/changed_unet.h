#pragma once
// The U-Net with its meaning changed, as somebody would who tries something: the decoder's activation, its
// normalisation, what comes before the head, another encoder. Only what the change needs is written here; nothing says
// how it is to be computed.

#include <memory>
#include <string>
#include <vector>

#include "core/random.h"
#include "models/mobilenet_v2.h"
#include "models/unet.h"
#include "nn/init.h"

namespace weft::test {

/// Convolution, normalisation and activation of the decoder, as a change may have them.
struct DecoderChange {
  enum class Norm { batch, group };
  Norm norm = Norm::batch;
  nn::Activation activation = relu;
  double dropout = 0;  // before the head
};

class ChangedConv : public nn::Module {
 public:
  ChangedConv(std::int64_t channels_in, std::int64_t channels_out, const DecoderChange& change)
      : conv_(channels_in, channels_out, 3, {.padding = 1}), activation_(change.activation) {
    register_module("0", conv_);
    if (change.norm == DecoderChange::Norm::batch) {
      batch_norm_ = std::make_unique<nn::BatchNorm2d>(channels_out);
      register_module("1", *batch_norm_);
    } else {
      group_norm_ = std::make_unique<nn::GroupNorm>(8, channels_out);
      register_module("1", *group_norm_);
    }
  }
  Tensor forward(const Tensor& x) const {
    const Tensor y = conv_.forward(x);
    return activation_(batch_norm_ ? batch_norm_->forward(y) : group_norm_->forward(y));
  }

 private:
  nn::Conv2d conv_;
  std::unique_ptr<nn::BatchNorm2d> batch_norm_;
  std::unique_ptr<nn::GroupNorm> group_norm_;
  const nn::Activation activation_;
};

class ChangedUNet : public nn::Module {
 public:
  ChangedUNet(std::unique_ptr<Encoder> encoder, const std::vector<std::int64_t>& widths, const DecoderChange& change)
      : encoder_(std::move(encoder)), dropout_(change.dropout, 7), head_(widths.back(), 1, 3, {.padding = 1}, true) {
    const auto taps = encoder_->channels();
    std::int64_t channels_in = taps.back();
    register_module("encoder", *encoder_);
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const std::int64_t skip = i + 1 < taps.size() ? taps[taps.size() - 2 - i] : 0;
      convs_.push_back(std::make_unique<ChangedConv>(channels_in + skip, widths[i], change));
      convs_.push_back(std::make_unique<ChangedConv>(widths[i], widths[i], change));
      channels_in = widths[i];
    }
    for (std::size_t i = 0; i < convs_.size(); ++i) decoder_.register_module(std::to_string(i), *convs_[i]);
    register_module("decoder", decoder_);
    register_module("dropout", dropout_);
    register_module("head", head_);
  }

  Tensor forward(const Tensor& x) const {
    const Tensors taps = encoder_->features(x);
    Tensor y = taps.back();
    for (std::size_t i = 0; i < convs_.size() / 2; ++i) {
      y = upsample_nearest2x(y);
      if (i + 1 < taps.size()) y = concat_channels({y, taps[taps.size() - 2 - i]});
      y = convs_[2 * i + 1]->forward(convs_[2 * i]->forward(y));
    }
    return head_.forward(dropout_.p > 0 ? dropout_.forward(y) : y);
  }

  /// Numbers as if trained: weights by fan in, running statistics off their start.
  void initialise(std::uint64_t seed) const {
    for (const auto& [name, tensor] : state_dict()) {
      if (tensor.dtype() == DType::i64) continue;
      const Random stream = nn::parameter_stream(seed, name);
      if (tensor.rank() == 4) {
        nn::kaiming_uniform_fan_in(tensor, stream);
      } else {
        nn::normal(tensor, 0.1, stream);
        const bool is_scale = name.ends_with("running_var") || name.ends_with(".weight");
        if (is_scale) tensor.copy_from(add_scalar(abs(tensor.detach()), 0.9));
      }
    }
  }

 private:
  std::unique_ptr<Encoder> encoder_;
  nn::Module decoder_;
  std::vector<std::unique_ptr<ChangedConv>> convs_;
  nn::Dropout dropout_;
  nn::Conv2d head_;
};

/// The first three stages of an encoder.
class ThreeStages : public Encoder {
 public:
  explicit ThreeStages(std::unique_ptr<Encoder> whole) : whole_(std::move(whole)) { register_module("whole", *whole_); }
  Tensors features(const Tensor& x) const override {
    Tensors taps = whole_->features(x);
    taps.resize(3);  // what nobody reads is not computed by a plan
    return taps;
  }
  std::vector<std::int64_t> channels() const override {
    auto channels = whole_->channels();
    channels.resize(3);
    return channels;
  }

 private:
  std::unique_ptr<Encoder> whole_;
};

}  // namespace weft::test
