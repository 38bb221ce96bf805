#include "core/ops/packed_inverted_residual.h"

#include "core/check.h"
#include "core/kernels/inverted_residual.h"
#include "core/kernels/isa.h"
#include "core/profile.h"

namespace weft {

using kernels::InvertedResidualProblem;

namespace {

void describe(ProfileEntry& entry, const InvertedResidualProblem& p) {
  entry.op = "inverted_residual";
  entry.shapes = fmt::format("[{}, {}, {}, {}] -> {} -> [{}, {}, {}, {}]{}", p.n, p.h, p.w, p.c_in, p.c_mid, p.n,
                             p.out_h(), p.out_w(), p.c_out, p.stride == 1 ? "" : fmt::format(", /{}", p.stride));
  entry.algorithm = "fused";
  entry.macs = p.multiply_adds();
  const std::int64_t weights = kernels::inverted_residual_packed_floats(p);
  entry.bytes = 4 * (p.n * (p.h * p.w * p.c_in + p.out_h() * p.out_w() * p.c_out) + weights);
}

const float* data_or_null(const Tensor& t) { return t.defined() ? t.data<float>() : nullptr; }

}  // namespace

PackedInvertedResidual::PackedInvertedResidual(const Layer& expand, const Layer& depthwise, const Layer& project,
                                               std::int64_t stride, bool has_shortcut)
    : isa_(kernels::isa_name()),
      c_mid_(depthwise.weight.size(0)),
      c_out_(project.weight.size(0)),
      stride_(stride),
      has_expansion_(expand.weight.defined()),
      has_shortcut_(has_shortcut) {
  c_in_ = has_expansion_ ? expand.weight.size(1) : c_mid_;
  WEFT_CHECK(!has_expansion_ || expand.weight.shape() == (Shape{c_mid_, c_in_, 1, 1}),
             "[inverted_residual] expected an expansion [{}, {}, 1, 1], got {}", c_mid_, c_in_, expand.weight.shape());
  WEFT_CHECK(depthwise.weight.shape() == (Shape{c_mid_, 1, 3, 3}),
             "[inverted_residual] expected a depthwise weight [{}, 1, 3, 3], got {}", c_mid_, depthwise.weight.shape());
  WEFT_CHECK(project.weight.shape() == (Shape{c_out_, c_mid_, 1, 1}),
             "[inverted_residual] expected a projection [{}, {}, 1, 1], got {}", c_out_, c_mid_,
             project.weight.shape());
  WEFT_CHECK((stride == 1 || stride == 2) && (!has_shortcut || (stride == 1 && c_in_ == c_out_)),
             "[inverted_residual] a shortcut needs stride 1 and equal channels, got stride {}, {} -> {}", stride, c_in_,
             c_out_);
  const auto has_bias = [](const Layer& layer) {
    return layer.bias.defined() && layer.bias.shape() == Shape{layer.weight.size(0)};
  };
  WEFT_CHECK((!has_expansion_ || has_bias(expand)) && has_bias(depthwise) && has_bias(project),
             "[inverted_residual] expected biases [{}], [{}], [{}]", c_mid_, c_mid_, c_out_);
  const InvertedResidualProblem p{.c_in = c_in_, .c_mid = c_mid_, .c_out = c_out_, .has_expansion = has_expansion_};
  packed_ = Tensor::empty({kernels::inverted_residual_packed_floats(p)});
  kernels::inverted_residual_pack(
      p,
      {data_or_null(expand.weight), data_or_null(expand.bias), depthwise.weight.data<float>(),
       depthwise.bias.data<float>(), project.weight.data<float>(), project.bias.data<float>()},
      packed_.mutable_data<float>());
}

bool PackedInvertedResidual::is_ready() const { return isa_ == kernels::isa_name(); }

Tensor PackedInvertedResidual::forward(const Tensor& x) const {
  WEFT_CHECK(x.rank() == 4 && x.size(3) == c_in_ && x.count() > 0, "[inverted_residual] expected [N, H, W, {}], got {}",
             c_in_, x.shape());
  const auto [n, h, w, c] = x.nhwc();
  const InvertedResidualProblem p{.n = n,
                                  .h = h,
                                  .w = w,
                                  .c_in = c,
                                  .c_mid = c_mid_,
                                  .c_out = c_out_,
                                  .stride = stride_,
                                  .has_expansion = has_expansion_,
                                  .has_shortcut = has_shortcut_};
  Tensor y = Tensor::empty({n, p.out_h(), p.out_w(), c_out_});
  const ProfileScope scope([&](ProfileEntry& entry) { describe(entry, p); });
  kernels::inverted_residual_forward(p, x.data<float>(), packed_.data<float>(), y.mutable_data<float>());
  return y;
}

}  // namespace weft
