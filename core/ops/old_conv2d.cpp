// y[n, i, j, o] = b[o] + sum over u, v, c of  w[o, c, u, v] x[n, i s - p + u d, j s - p + v d, c]        x = 0 outside
//
// It is linear in x and in w, so both gradients are convolution-like sums over the same triples (output pixel, tap,
// input pixel), read from another side:
//
//   dL/dx[n, a, b, c] = sum over the (i, j, u, v) that read (a, b), and o, of  dL/dy[n, i, j, o] w[o, c, u, v]
//   dL/dw[o, c, u, v] = sum over n, i, j of  dL/dy[n, i, j, o] x[n, i s - p + u d, j s - p + v d, c]
//   dL/db[o]          = sum over n, i, j of  dL/dy[n, i, j, o]
//
// Saved are x and w: dx needs w, dw needs x.

#include "core/ops/old_conv2d.h"

#include "core/autograd.h"
#include "core/kernels/reference/conv2d.h"
#include "core/ops.h"
#include "core/profile.h"

namespace weft {
void old_describe_conv(ProfileEntry& entry, const char* op, const ConvProblem& p, const char* algorithm) {
  entry.op = op;
  entry.shapes =
      fmt::format("[{}, {}, {}, {}] -> [{}, {}, {}, {}], {}x{}{}{}", p.n, p.h, p.w, p.c_in, p.n, p.out_h(), p.out_w(),
                  p.c_out, p.kernel_h, p.kernel_w, p.stride_h == 1 ? "" : fmt::format(" /{}", p.stride_h),
                  p.groups == 1 ? "" : fmt::format(" groups {}", p.groups));
  entry.algorithm = algorithm;
  entry.macs = p.output_count() * (p.c_in / p.groups) * p.kernel_h * p.kernel_w;
  entry.bytes = 4 * (p.input_count() + p.weight_count() + p.output_count());
}

namespace {

ConvProblem problem_of(const Tensor& x, const Tensor& weight, const Tensor& bias, const Conv2dOptions& options) {
  check_same_dtype("conv2d", {x, weight, bias});
  const ConvProblem p = conv_problem(x.shape(), weight.shape(), options);
  WEFT_CHECK(!bias.defined() || bias.shape() == Shape{weight.size(0)}, "[conv2d] expected bias [{}], got {}",
             weight.size(0), bias.shape());
  WEFT_CHECK(p.kernel_h > 0 && p.kernel_w > 0 && p.out_h() > 0 && p.out_w() > 0,
             "[conv2d] the kernel does not fit: input {}, weight {}, padding {}", x.shape(), weight.shape(),
             options.padding);
  return p;
}

void describe(ProfileEntry& entry, const char* op, const ConvProblem& p, bool is_float) {
  old_describe_conv(entry, op, p, is_float ? kernels::choose_conv(p).name : "reference");
  if (!is_float) entry.bytes *= 2;
}

}  // namespace

Tensor conv_forward(const char* op, const ConvProblem& p, const Tensor& x, const Tensor& w, const Tensor& bias,
                    const Tensor& residual, Clamp clamp, ChannelStatistics* statistics) {
  Tensor y = Tensor::empty({p.n, p.out_h(), p.out_w(), p.c_out}, x.dtype());
  const ProfileScope scope([&](ProfileEntry& entry) { describe(entry, op, p, x.dtype() == DType::f32); });
  dispatch_float(x.dtype(), op, [&](auto zero) {
    using T = decltype(zero);
    auto epilogue = conv_epilogue<T>(bias, residual, clamp);
    if constexpr (std::is_same_v<T, float>) {
      store_with_statistics(y, statistics, [&](kernels::OutputStatistics* taken) {
        epilogue.sums = taken;
        kernels::conv_forward(kernels::choose_conv(p), p, x.data<T>(), w.data<T>(), epilogue, y.mutable_data<T>());
      });
    } else {
      kernels::reference::conv2d_forward(p, x.data<T>(), w.data<T>(), epilogue, y.mutable_data<T>());
    }
  });
  return y;
}

void describe_addition(ProfileEntry& entry, const GradientPlace& place) {
  if (place.holds_others) entry.bytes += place.dx.bytes();
}

Tensor conv_input_gradient(const char* op, const ConvProblem& p, const Tensor& dy, const Tensor& w,
                           const std::weak_ptr<Node>& x) {
  const GradientPlace place(x, {p.n, p.h, p.w, p.c_in}, dy.dtype());
  const ProfileScope scope([&](ProfileEntry& entry) {
    describe(entry, op, p, dy.dtype() == DType::f32);
    describe_addition(entry, place);
  });
  dispatch_float(dy.dtype(), op, [&](auto zero) {
    using T = decltype(zero);
    T* dx = place.dx.mutable_data<T>();
    const auto epilogue = gradient_epilogue(x, place, dx);
    if constexpr (std::is_same_v<T, float>) {
      kernels::choose_conv(p).input_gradient(p, dy.data<T>(), w.data<T>(), epilogue, dx);
    } else {
      kernels::reference::conv2d_input_gradient(p, dy.data<T>(), w.data<T>(), epilogue, dx);
    }
  });
  return place.dx;
}

Tensor conv_weight_gradient(const char* op, const ConvProblem& p, const Tensor& x, const Tensor& dy,
                            const Shape& shape) {
  Tensor dw = Tensor::empty(shape, dy.dtype());
  const ProfileScope scope([&](ProfileEntry& entry) { describe(entry, op, p, dy.dtype() == DType::f32); });
  dispatch_float(dy.dtype(), op, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_same_v<T, float>) {
      kernels::choose_conv(p).weight_gradient(p, x.data<T>(), dy.data<T>(), dw.mutable_data<T>());
    } else {
      kernels::reference::conv2d_weight_gradient(p, x.data<T>(), dy.data<T>(), dw.mutable_data<T>());
    }
  });
  return dw;
}

Tensor old_conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const Conv2dOptions& options,
              ChannelStatistics* statistics) {
  const ConvProblem p = problem_of(x, weight, bias, options);
  Tensor y = conv_forward("conv2d", p, x, weight, bias, Tensor(), no_clamp, statistics);
  if (!needs_recording({x, weight, bias})) return y;

  const bool need_dx = x.requires_grad(), need_dw = weight.requires_grad(), need_db = bias.requires_grad();
  return record(y, "conv2d", {x, weight, bias},
                [p, x = Saved(x), x_node = std::weak_ptr(x.node()), w = Saved(weight), need_dx, need_dw,
                 need_db](const Tensor& dy) {
                  return Gradients{need_dx ? conv_input_gradient("conv2d dx", p, dy, w.get(), x_node) : Tensor(),
                                   need_dw ? conv_weight_gradient("conv2d dw", p, x.get(), dy, w->shape()) : Tensor(),
                                   need_db ? bias_gradient(dy) : Tensor()};
                },
                {{"stride", static_cast<double>(options.stride)},
                 {"padding", static_cast<double>(options.padding)},
                 {"dilation", static_cast<double>(options.dilation)},
                 {"groups", static_cast<double>(options.groups)}});
}

Tensor conv2d_fused(const Tensor& x, const Tensor& weight, const Tensor& bias, const Conv2dOptions& options,
                    Clamp clamp, const Tensor& residual) {
  WEFT_CHECK(!needs_recording({x, weight, bias, residual}),
             "[conv2d_fused] records no gradient; use conv2d, or NoGrad");
  const ConvProblem p = problem_of(x, weight, bias, options);
  const Shape shape{p.n, p.out_h(), p.out_w(), p.c_out};
  WEFT_CHECK(!residual.defined() || residual.shape() == shape, "[conv2d_fused] expected a residual {}, got {}", shape,
             residual.shape());
  return conv_forward("conv2d", p, x, weight, bias, residual, clamp);
}

}  // namespace weft
