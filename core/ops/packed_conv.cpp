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
  WEFT_CHECK(!bias.defined() || bias.shape() == Shape{shape_[0]}, "[conv2d] expected bias [{}], got {}", shape_[0],
             bias.shape());
  // Algorithm and order do not depend on the picture's size, so one that the kernel just fits stands for all.
  const auto extent = [&](std::int64_t kernel) { return options.dilation * (kernel - 1) + 1; };
  const ConvProblem p =
      conv_problem({1, extent(shape_[2]), extent(shape_[3]), shape_[1] * options.groups}, shape_, options);
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
  WEFT_CHECK(p.output_count() > 0, "[conv2d] no output: input {}, weight {}, padding {}", x.shape(), shape_,
             options_.padding);
  Tensor y = Tensor::empty({p.n, p.out_h(), p.out_w(), p.c_out});
  WEFT_CHECK(!residual.defined() || residual.shape() == y.shape(), "[conv2d] expected a residual {}, got {}", y.shape(),
             residual.shape());
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
