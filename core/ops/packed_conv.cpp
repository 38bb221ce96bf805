#include "core/ops/packed_conv.h"

#include "core/kernels/isa.h"
#include "core/kernels/reference/conv2d.h"
#include "core/ops/conv2d.h"
#include "core/ops/upsample_conv2d.h"
#include "core/profile.h"

namespace weft {

PackedConv::PackedConv(const Tensor& weight, const Tensor& bias, const Conv2dOptions& options,
                       std::int64_t upsampled_channels)
    : isa_(kernels::isa_name()), shape_(weight.shape()), bias_(bias), options_(options) {
  if (weight.dtype() != DType::f32) {
    filters_ = weight;
    return;
  }
  const ConvProblem p = conv_problem({1, 1, 1, shape_[1] * options.groups}, shape_, options);
  const auto& algorithm = kernels::choose_conv(p);
  const kernels::UpsampleConvProblem up{
      .c_up = upsampled_channels, .c_skip = p.c_in - upsampled_channels, .c_out = p.c_out};
  is_upsampling_ = upsampled_channels > 0 && kernels::upsample_conv_is_preferred(up);
  if (is_upsampling_) {
    filters_ = Tensor::empty({kernels::upsample_conv_packed_floats(up)});
    kernels::upsample_conv_pack(up, weight.data<float>(), filters_.mutable_data<float>());
  } else {
    algorithm_ = &algorithm;
    filters_ = Tensor::empty({algorithm.packed_floats(p)});
    algorithm.pack(p, weight.data<float>(), filters_.mutable_data<float>());
  }
}

bool PackedConv::is_ready() const { return isa_ == kernels::isa_name(); }

Tensor PackedConv::forward(const Tensor& x, Activation activation, const Tensor& residual) const {
  if (algorithm_ == nullptr) return conv2d_fused(x, filters_, bias_, options_, activation, residual);
  const ConvProblem p = conv_problem(x.shape(), shape_, options_);
  Tensor y = Tensor::empty({p.n, p.out_h(), p.out_w(), p.c_out});
  const ProfileScope scope([&](ProfileEntry& entry) { describe_conv(entry, "conv2d", p, algorithm_->name); });
  algorithm_->forward(p, x.data<float>(), filters_.data<float>(), conv_epilogue<float>(bias_, residual, activation),
                      y.mutable_data<float>());
  return y;
}

Tensor PackedConv::forward_upsampled(const Tensor& x, const Tensor& skip, Activation activation) const {
  if (!is_upsampling_) {
    const Tensor up = upsample_nearest2x(x);
    return forward(skip.defined() ? concat_channels({up, skip}) : up, activation);
  }
  const kernels::UpsampleConvProblem p = upsample_conv_problem(x, skip, shape_);
  return upsample_conv_forward(p, x, skip, filters_, bias_, activation);
}

}  // namespace weft
