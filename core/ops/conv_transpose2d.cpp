// The adjoint of conv2d in x: each input pixel stamps its filter onto the output,
//
//   y[n, i s - p + u, j s - p + v, o] += x[n, i, j, c] w[c, o, u, v]
//
// With a conv2d problem whose x has y's shape and whose y has x's shape, this is that problem's input gradient. So
//
//   dL/dx = conv2d(dL/dy, w)          dL/dw = that problem's weight gradient with dL/dy as its x, and x as its dy
//   dL/db = sum of dL/dy over pixels
//
// and w [Cin, Cout, KH, KW] is already the OIHW weight of that conv2d, which maps Cout channels to Cin.

#include "core/autograd.h"
#include "core/kernels/reference/conv2d.h"
#include "core/ops/conv2d.h"

namespace weft {
namespace {

ConvProblem adjoint_problem(const Tensor& x, const Tensor& weight, const Tensor& bias,
                            const ConvTranspose2dOptions& o) {
  check_same_dtype("conv_transpose2d", {x, weight, bias});
  WEFT_CHECK(x.rank() == 4 && weight.rank() == 4 && weight.size(0) == x.size(3),
             "[conv_transpose2d] expected input [N, H, W, Cin] and weight [Cin, Cout, KH, KW], got {} and {}",
             x.shape(), weight.shape());
  WEFT_CHECK(o.stride >= 1 && o.padding >= 0 && o.output_padding >= 0 && o.output_padding < o.stride,
             "[conv_transpose2d] expected stride >= 1, padding >= 0 and 0 <= output_padding < stride, got {}, {}, {}",
             o.stride, o.padding, o.output_padding);
  WEFT_CHECK(weight.count() > 0, "[conv_transpose2d] expected a weight without empty axes, got {}", weight.shape());
  WEFT_CHECK(!bias.defined() || bias.shape() == Shape{weight.size(1)}, "[conv_transpose2d] expected bias [{}], got {}",
             weight.size(1), bias.shape());
  const auto [n, h, w, c] = x.nhwc();
  const auto extent = [&](std::int64_t size, std::int64_t kernel) {
    return (size - 1) * o.stride - 2 * o.padding + kernel + o.output_padding;
  };
  const ConvProblem p{.n = n,
                      .h = extent(h, weight.size(2)),
                      .w = extent(w, weight.size(3)),
                      .c_in = weight.size(1),
                      .c_out = c,
                      .kernel_h = weight.size(2),
                      .kernel_w = weight.size(3),
                      .stride_h = o.stride,
                      .stride_w = o.stride,
                      .padding_h = o.padding,
                      .padding_w = o.padding};
  WEFT_CHECK(p.h > 0 && p.w > 0 && p.out_h() == h && p.out_w() == w,
             "[conv_transpose2d] input {}, weight {}, padding {} leave no output", x.shape(), weight.shape(),
             o.padding);
  return p;
}

}  // namespace

Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTranspose2dOptions& options) {
  const ConvProblem p = adjoint_problem(x, weight, bias, options);
  const auto run = [p](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), "conv_transpose2d", [&](auto zero) {
      using T = decltype(zero);
      const T *values = in[0].data<T>(), *w = in[1].data<T>();
      const kernels::ConvEpilogue<T> bias_only{.bias = in[2].defined() ? in[2].data<T>() : nullptr};
      T* y = out[0].mutable_data<T>();
      if constexpr (std::is_same_v<T, float>) {
        kernels::choose_conv(p).input_gradient(p, values, w, bias_only, y);
      } else {
        kernels::reference::conv2d_input_gradient(p, values, w, bias_only, y);
      }
    });
  };
  const auto describe = [p](const Tensors& in, const Tensors&, ProfileEntry& entry) {
    describe_conv(entry, p, in[0].dtype() == DType::f32 ? kernels::choose_conv(p).name : "reference");
  };
  const Tensor y = apply({.name = "conv_transpose2d",
                          .run = run,
                          .attributes = {{"stride", static_cast<double>(options.stride)},
                                         {"padding", static_cast<double>(options.padding)},
                                         {"output_padding", static_cast<double>(options.output_padding)}},
                          .describe = describe},
                         {x, weight, bias}, TensorType{{p.n, p.h, p.w, p.c_in}, x.dtype()});

  const Conv2dOptions adjoint{.stride = options.stride, .padding = options.padding};
  const bool need_dx = x.requires_grad(), need_dw = weight.requires_grad(), need_db = bias.requires_grad();
  return record(y, "conv_transpose2d", {x, weight, bias},
                [x = Saved(x), w = Saved(weight), adjoint, need_dx, need_dw, need_db](const Tensor& dy) {
                  return Gradients{need_dx ? conv2d(dy, w.get(), Tensor(), adjoint) : Tensor(),
                                   need_dw ? conv2d_weight_gradient(dy, x.get(), w->shape(), adjoint) : Tensor(),
                                   need_db ? bias_gradient(dy) : Tensor()};
                });
}

}  // namespace weft
