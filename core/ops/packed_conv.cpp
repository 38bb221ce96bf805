#include "core/ops/packed_conv.h"

#include "core/kernels/conv_chain.h"
#include "core/kernels/isa.h"
#include "core/kernels/reference/conv2d.h"
#include "core/ops/old_conv2d.h"
#include "core/ops/upsample_conv2d.h"
#include "core/profile.h"

namespace weft {
namespace {

void describe(ProfileEntry& entry, std::span<const kernels::ConvStep> steps) {
  const bool upsamples = steps.front().algorithm == nullptr;
  const ConvProblem &first = steps.front().problem, &last = steps.back().problem;
  const std::int64_t scale = upsamples ? 2 : 1;
  entry.op = upsamples ? "upsample_conv2d" : "conv2d";
  entry.shapes =
      fmt::format("[{}, {}, {}, {}]{}", first.n, first.h / scale, first.w / scale, first.c_in, upsamples ? " x2" : "");
  entry.algorithm = "chain";
  entry.bytes = 4 * (first.input_count() / (scale * scale) + last.output_count());
  for (const kernels::ConvStep& step : steps) {
    const ConvProblem& p = step.problem;
    if (&step != &steps.back()) entry.shapes += fmt::format(" -> {}", p.c_out);
    entry.macs += p.output_count() * p.c_in * 9;
    entry.bytes += 4 * p.weight_count();
  }
  entry.shapes += fmt::format(" -> [{}, {}, {}, {}], 3x3", last.n, last.h, last.w, last.c_out);
}

Tensor run_chain(const std::vector<kernels::ConvStep>& steps, const Tensor& x) {
  const ConvProblem& last = steps.back().problem;
  Tensor y = Tensor::empty({last.n, last.out_h(), last.out_w(), last.c_out});
  const ProfileScope scope([&](ProfileEntry& entry) { describe(entry, steps); });
  kernels::conv_chain_forward(steps, x.data<float>(), y.mutable_data<float>());
  return y;
}

}  // namespace

PackedConv::PackedConv(const Tensor& weight, const Tensor& bias, const Conv2dOptions& options,
                       std::int64_t upsampled_channels)
    : upsampled_channels_(upsampled_channels),
      isa_(kernels::isa_name()),
      shape_(weight.shape()),
      bias_(bias),
      options_(options) {
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

Tensor PackedConv::forward(const Tensor& x, Clamp clamp, const Tensor& residual) const {
  if (algorithm_ == nullptr) return conv2d_fused(x, filters_, bias_, options_, clamp, residual);
  const ConvProblem p = conv_problem(x.shape(), shape_, options_);
  WEFT_CHECK(p.output_count() > 0, "[conv2d] no output: input {}, weight {}, padding {}", x.shape(), shape_,
             options_.padding);
  Tensor y = Tensor::empty({p.n, p.out_h(), p.out_w(), p.c_out});
  WEFT_CHECK(!residual.defined() || residual.shape() == y.shape(), "[conv2d] expected a residual {}, got {}", y.shape(),
             residual.shape());
  const ProfileScope scope([&](ProfileEntry& entry) { old_describe_conv(entry, "conv2d", p, algorithm_->name); });
  algorithm_->forward(p, x.data<float>(), filters_.data<float>(), conv_epilogue<float>(bias_, residual, clamp),
                      y.mutable_data<float>());
  return y;
}

Tensor PackedConv::forward_upsampled(const Tensor& x, const Tensor& skip, Clamp clamp) const {
  if (!is_upsampling_) {
    const Tensor up = upsample_nearest2x(x);
    return forward(skip.defined() ? concat_channels({up, skip}) : up, clamp);
  }
  const kernels::UpsampleConvProblem p = upsample_conv_problem(x, skip, shape_);
  WEFT_CHECK(p.c_up == upsampled_channels_, "[upsample_conv2d] expected {} upsampled channels, got {}",
             upsampled_channels_, x.shape());
  return upsample_conv_forward(p, x, skip, filters_, bias_, clamp);
}

Tensor PackedConv::forward_alone(const Tensor& x, Clamp clamp) const {
  return upsampled_channels_ > 0 ? forward_upsampled(x, Tensor(), clamp) : forward(x, clamp);
}

std::vector<kernels::ConvStep> PackedConv::chain_of(std::span<const PackedStep> steps, Shape shape) {
  std::vector<kernels::ConvStep> chain;
  if (shape.rank() != 4 || shape.count() == 0) return chain;
  for (const auto& [conv, clamp] : steps) {
    const bool upsamples = conv->upsampled_channels_ > 0;
    if (upsamples ? !conv->is_upsampling_ || conv->upsampled_channels_ != shape[3] : conv->algorithm_ == nullptr)
      return {};
    if (upsamples) shape = {shape[0], 2 * shape[1], 2 * shape[2], shape[3]};
    const ConvProblem p = conv_problem(shape, conv->shape_, conv->options_);
    chain.push_back({conv->algorithm_, p, conv->filters_.data<float>(),
                     conv->bias_.defined() ? conv->bias_.data<float>() : nullptr, clamp});
    shape = {p.n, p.out_h(), p.out_w(), p.c_out};
  }
  return chain;
}

Tensor forward_chain(std::span<const PackedStep> steps, const Tensor& x) {
  Tensor h = x;
  for (; !steps.empty(); steps = steps.subspan(1)) {
    const std::vector<kernels::ConvStep> chain = PackedConv::chain_of(steps, h.shape());
    if (kernels::conv_chain_supports(chain)) return run_chain(chain, h);
    h = steps.front().conv->forward_alone(h, steps.front().clamp);
  }
  return h;
}

}  // namespace weft
