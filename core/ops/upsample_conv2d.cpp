// y = conv3x3(concat[up2(x), skip], w), padding 1: a decoder block's first convolution, of which neither the upsampled
// nor the joined input is stored (core/kernels/conv_upsample.h).
//
// It is a sum of two convolutions, so its gradients are theirs:
//
//   dL/dx    = up2' of dL/d(up2(x)), both steps in one at x's resolution
//   dL/dskip = as conv2d's, with the skip's filters
//   dL/dw    = [that of up2(x)'s filters, that of skip's]
//
// Saved are x, skip and w. In float64, and where another algorithm than Winograd's is preferred, the operations that
// it stands for run one by one: they are its specification.

#include "core/ops/upsample_conv2d.h"

#include "core/autograd.h"
#include "core/ops.h"
#include "core/ops/old_conv2d.h"
#include "core/profile.h"

namespace weft {

using kernels::UpsampleConvProblem;

namespace {

enum class Inputs { both, up, skip };

/// What a pass that has to do with these inputs computes and moves.
void describe(ProfileEntry& entry, const char* op, const UpsampleConvProblem& p, Inputs inputs) {
  entry.op = op;
  entry.shapes = fmt::format("[{}, {}, {}, {}] x2 + {} -> [{}, {}, {}, {}], 3x3", p.n, p.h, p.w, p.c_up, p.c_skip, p.n,
                             2 * p.h, 2 * p.w, p.c_out);
  entry.algorithm = "upsample";
  const ConvProblem joined = p.joined();
  const std::int64_t up = inputs == Inputs::skip ? 0 : p.c_up, skip = inputs == Inputs::up ? 0 : p.c_skip;
  entry.macs = joined.output_count() * (up + skip) * 9;
  entry.bytes = 4 * (p.n * p.h * p.w * (up + 4 * skip) + 9 * (up + skip) * p.c_out + joined.output_count());
}

Tensor input_gradient(const UpsampleConvProblem& p, const Tensor& dy, const Tensor& w, const std::weak_ptr<Node>& x) {
  const GradientPlace place(x, {p.n, p.h, p.w, p.c_up}, DType::f32);
  const ProfileScope scope([&](ProfileEntry& entry) {
    describe(entry, "upsample_conv2d dx", p, Inputs::up);
    describe_addition(entry, place);
  });
  float* dx = place.dx.mutable_data<float>();
  kernels::upsample_conv_input_gradient(p, dy.data<float>(), w.data<float>(), gradient_epilogue(x, place, dx), dx);
  return place.dx;
}

Tensor skip_gradient(const UpsampleConvProblem& p, const Tensor& dy, const Tensor& w, const std::weak_ptr<Node>& skip) {
  const GradientPlace place(skip, {p.n, 2 * p.h, 2 * p.w, p.c_skip}, DType::f32);
  const ProfileScope scope([&](ProfileEntry& entry) {
    describe(entry, "upsample_conv2d dskip", p, Inputs::skip);
    describe_addition(entry, place);
  });
  float* dskip = place.dx.mutable_data<float>();
  kernels::upsample_conv_skip_gradient(p, dy.data<float>(), w.data<float>(), gradient_epilogue(skip, place, dskip),
                                       dskip);
  return place.dx;
}

Tensor weight_gradient(const UpsampleConvProblem& p, const Tensor& x, const Tensor& skip, const Tensor& dy) {
  Tensor dw = Tensor::empty({p.c_out, p.c_up + p.c_skip, 3, 3});
  const ProfileScope scope([&](ProfileEntry& entry) { describe(entry, "upsample_conv2d dw", p, Inputs::both); });
  kernels::upsample_conv_weight_gradient(p, x.data<float>(), p.c_skip > 0 ? skip.data<float>() : nullptr,
                                         dy.data<float>(), dw.mutable_data<float>());
  return dw;
}

}  // namespace

UpsampleConvProblem upsample_conv_problem(const Tensor& x, const Tensor& skip, const Shape& weight) {
  WEFT_CHECK(x.rank() == 4 && x.count() > 0, "[upsample_conv2d] expected [N, H, W, C], got {}", x.shape());
  const auto [n, h, w, c] = x.nhwc();
  const std::int64_t c_skip = skip.defined() ? skip.size(-1) : 0;
  WEFT_CHECK(!skip.defined() || skip.shape() == (Shape{n, 2 * h, 2 * w, c_skip}),
             "[upsample_conv2d] expected a skip [{}, {}, {}, C] for {}, got {}", n, 2 * h, 2 * w, x.shape(),
             skip.shape());
  WEFT_CHECK(weight.rank() == 4 && weight[1] == c + c_skip && weight[2] == 3 && weight[3] == 3,
             "[upsample_conv2d] expected a weight [Cout, {}, 3, 3], got {}", c + c_skip, weight);
  WEFT_CHECK(weight[0] > 0, "[upsample_conv2d] expected at least one output channel, got weight {}", weight);
  return {.n = n, .h = h, .w = w, .c_up = c, .c_skip = c_skip, .c_out = weight[0]};
}

Tensor upsample_conv_forward(const UpsampleConvProblem& p, const Tensor& x, const Tensor& skip, const Tensor& packed,
                             const Tensor& bias, Clamp clamp, ChannelStatistics* statistics) {
  Tensor y = Tensor::empty({p.n, 2 * p.h, 2 * p.w, p.c_out});
  const ProfileScope scope([&](ProfileEntry& entry) { describe(entry, "upsample_conv2d", p, Inputs::both); });
  store_with_statistics(y, statistics, [&](kernels::OutputStatistics* taken) {
    auto epilogue = conv_epilogue<float>(bias, Tensor(), clamp);
    epilogue.sums = taken;
    kernels::upsample_conv_forward(p, x.data<float>(), p.c_skip > 0 ? skip.data<float>() : nullptr,
                                   packed.data<float>(), epilogue, y.mutable_data<float>());
  });
  return y;
}

Tensor upsample_conv2d(const Tensor& x, const Tensor& skip, const Tensor& weight, ChannelStatistics* statistics) {
  check_same_dtype("upsample_conv2d", {x, skip, weight});
  const UpsampleConvProblem p = upsample_conv_problem(x, skip, weight.shape());
  if (x.dtype() != DType::f32 || !kernels::upsample_conv_is_preferred(p)) {
    const Tensor up = upsample_nearest2x(x);
    return old_conv2d(skip.defined() ? concat_channels({up, skip}) : up, weight, Tensor(), {.padding = 1}, statistics);
  }
  const Tensor packed = Tensor::empty({kernels::upsample_conv_packed_floats(p)});
  kernels::upsample_conv_pack(p, weight.data<float>(), packed.mutable_data<float>());
  const Tensor y = upsample_conv_forward(p, x, skip, packed, Tensor(), no_clamp, statistics);
  if (!needs_recording({x, weight, skip})) return y;

  const bool need_dx = x.requires_grad(), need_dw = weight.requires_grad();
  const bool need_dskip = skip.defined() && skip.requires_grad();
  const Tensor no_bias;  // where conv2d has its own
  const std::weak_ptr<Node> skip_node = skip.defined() ? skip.node() : nullptr;
  return record(y, "upsample_conv2d", {x, weight, no_bias, skip},
                [p, x = Saved(x), x_node = std::weak_ptr(x.node()), w = Saved(weight), skip = Saved(skip), skip_node,
                 need_dx, need_dw, need_dskip](const Tensor& dy) {
                  return Gradients{need_dx ? input_gradient(p, dy, w.get(), x_node) : Tensor(),
                                   need_dw ? weight_gradient(p, x.get(), skip.get(), dy) : Tensor(), Tensor(),
                                   need_dskip ? skip_gradient(p, dy, w.get(), skip_node) : Tensor()};
                },
                {{"stride", 1.0}, {"padding", 1.0}, {"dilation", 1.0}, {"groups", 1.0}});
}

}  // namespace weft
