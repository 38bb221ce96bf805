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

#include "core/ops/conv2d.h"

#include "core/autograd.h"
#include "core/kernels/reference/conv2d.h"

namespace weft {

ConvProblem conv_problem(const Shape& x, const Shape& weight, const Conv2dOptions& o) {
  WEFT_CHECK(x.rank() == 4 && weight.rank() == 4,
             "[conv2d] expected input [N, H, W, C] and weight [Cout, Cin / groups, KH, KW], got {} and {}", x, weight);
  WEFT_CHECK(o.stride >= 1 && o.padding >= 0 && o.dilation >= 1 && o.groups >= 1,
             "[conv2d] expected stride, dilation, groups >= 1 and padding >= 0, got {}, {}, {}, {}", o.stride,
             o.padding, o.dilation, o.groups);
  WEFT_CHECK(weight[1] * o.groups == x[3],
             "[conv2d] weight expects {} input channels, input has {}: input {}, weight {}, groups {}",
             weight[1] * o.groups, x[3], x, weight, o.groups);
  WEFT_CHECK(weight[0] > 0 && weight[1] > 0, "[conv2d] expected at least one channel on each side, got weight {}",
             weight);
  WEFT_CHECK(weight[0] % o.groups == 0, "[conv2d] {} output channels do not divide into {} groups", weight[0],
             o.groups);
  return {.n = x[0],
          .h = x[1],
          .w = x[2],
          .c_in = x[3],
          .c_out = weight[0],
          .kernel_h = weight[2],
          .kernel_w = weight[3],
          .stride_h = o.stride,
          .stride_w = o.stride,
          .padding_h = o.padding,
          .padding_w = o.padding,
          .dilation_h = o.dilation,
          .dilation_w = o.dilation,
          .groups = o.groups};
}

std::vector<Attribute> conv_attributes(const Conv2dOptions& o) {
  return {{"stride", static_cast<double>(o.stride)},
          {"padding", static_cast<double>(o.padding)},
          {"dilation", static_cast<double>(o.dilation)},
          {"groups", static_cast<double>(o.groups)}};
}

Conv2dOptions conv_options(const Operation& operation) {
  const auto integer = [&](const char* name) { return static_cast<std::int64_t>(operation.attribute(name)); };
  return {integer("stride"), integer("padding"), integer("dilation"), integer("groups")};
}

void describe_conv(ProfileEntry& entry, const ConvProblem& p, const char* algorithm) {
  entry.shapes =
      fmt::format("[{}, {}, {}, {}] -> [{}, {}, {}, {}], {}x{}{}{}", p.n, p.h, p.w, p.c_in, p.n, p.out_h(), p.out_w(),
                  p.c_out, p.kernel_h, p.kernel_w, p.stride_h == 1 ? "" : fmt::format(" /{}", p.stride_h),
                  p.groups == 1 ? "" : fmt::format(" groups {}", p.groups));
  entry.algorithm = algorithm;
  entry.macs = p.output_count() * (p.c_in / p.groups) * p.kernel_h * p.kernel_w;
}

namespace {

/// For a profile: the problem of convolving tensors of these shapes.
auto describes(const Conv2dOptions& options, auto shapes_of) {
  return [=](const Tensors& in, const Tensors& out, ProfileEntry& entry) {
    const auto [x, w] = shapes_of(in, out);
    const ConvProblem p = conv_problem(x.shape(), w.shape(), options);
    describe_conv(entry, p, x.dtype() == DType::f32 ? kernels::choose_conv(p).name : "reference");
  };
}

template <class T>
const T* data_or_null(const Tensor& t) {
  return t.defined() ? t.data<T>() : nullptr;
}

ConvProblem checked_problem(const Tensor& x, const Tensor& weight, const Tensor& bias, const Conv2dOptions& options) {
  check_same_dtype("conv2d", {x, weight, bias});
  const ConvProblem p = conv_problem(x.shape(), weight.shape(), options);
  WEFT_CHECK(!bias.defined() || bias.shape() == Shape{weight.size(0)}, "[conv2d] expected bias [{}], got {}",
             weight.size(0), bias.shape());
  WEFT_CHECK(p.kernel_h > 0 && p.kernel_w > 0 && p.out_h() > 0 && p.out_w() > 0,
             "[conv2d] the kernel does not fit: input {}, weight {}, padding {}", x.shape(), weight.shape(),
             options.padding);
  return p;
}

}  // namespace

std::int64_t packing_bytes(const ConvProblem& p) {
  ConvProblem transposed = p;  // the gradient's: the same filters from the other side
  if (p.groups == 1) std::swap(transposed.c_in, transposed.c_out);
  const auto packed_floats = kernels::choose_conv(p).packed_floats;
  const std::int64_t packed =
      static_cast<std::int64_t>(sizeof(float)) * std::max(packed_floats(p), packed_floats(transposed));
  return with_tiles(packed);
}

Tensor conv2d_input_gradient(const Tensor& dy, const Tensor& weight, const Shape& x, const Conv2dOptions& options) {
  const auto run = [options](const Tensors& in, const Tensors& out) {
    const ConvProblem p = conv_problem(out[0].shape(), in[1].shape(), options);
    dispatch_float(in[0].dtype(), "conv2d_input_gradient", [&](auto zero) {
      using T = decltype(zero);
      const T *gradient = in[0].data<T>(), *w = in[1].data<T>();
      T* dx = out[0].mutable_data<T>();
      if constexpr (std::is_same_v<T, float>) {
        kernels::choose_conv(p).input_gradient(p, gradient, w, {}, dx);
      } else {
        kernels::reference::conv2d_input_gradient(p, gradient, w, kernels::ConvEpilogue<T>{}, dx);
      }
    });
  };
  const auto shapes = [](const Tensors& in, const Tensors& out) { return std::pair(out[0], in[1]); };
  return apply({.name = "conv2d_input_gradient",
                .run = run,
                .attributes = conv_attributes(options),
                .describe = describes(options, shapes),
                .scratch_bytes = packing_bytes(conv_problem(x, weight.shape(), options))},
               {dy, weight}, TensorType{x, dy.dtype()});
}

Tensor conv2d_weight_gradient(const Tensor& x, const Tensor& dy, const Shape& weight, const Conv2dOptions& options) {
  const auto run = [options](const Tensors& in, const Tensors& out) {
    const ConvProblem p = conv_problem(in[0].shape(), out[0].shape(), options);
    dispatch_float(in[0].dtype(), "conv2d_weight_gradient", [&](auto zero) {
      using T = decltype(zero);
      const T *values = in[0].data<T>(), *gradient = in[1].data<T>();
      T* dw = out[0].mutable_data<T>();
      if constexpr (std::is_same_v<T, float>) {
        kernels::choose_conv(p).weight_gradient(p, values, gradient, dw);
      } else {
        kernels::reference::conv2d_weight_gradient(p, values, gradient, dw);
      }
    });
  };
  const auto shapes = [](const Tensors& in, const Tensors& out) { return std::pair(in[0], out[0]); };
  return apply({.name = "conv2d_weight_gradient",
                .run = run,
                .attributes = conv_attributes(options),
                .describe = describes(options, shapes)},
               {x, dy}, TensorType{weight, dy.dtype()});
}

Tensor bias_gradient(const Tensor& dy) {
  const auto run = [](const Tensors& in, const Tensors& out) {
    const std::int64_t channels = out[0].count();
    dispatch_float(in[0].dtype(), "bias_gradient", [&](auto zero) {
      using T = decltype(zero);
      kernels::conv_bias_gradient(in[0].count() / channels, channels, in[0].data<T>(), out[0].mutable_data<T>());
    });
  };
  return apply({.name = "bias_gradient", .run = run}, {dy}, TensorType{{dy.size(-1)}, dy.dtype()});
}

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const Conv2dOptions& options) {
  const ConvProblem p = checked_problem(x, weight, bias, options);
  const auto run = [p](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), "conv2d", [&](auto zero) {
      using T = decltype(zero);
      const T *values = in[0].data<T>(), *w = in[1].data<T>();
      const kernels::ConvEpilogue<T> bias_only{.bias = data_or_null<T>(in[2])};
      T* y = out[0].mutable_data<T>();
      if constexpr (std::is_same_v<T, float>) {
        kernels::conv_forward(kernels::choose_conv(p), p, values, w, bias_only, y);
      } else {
        kernels::reference::conv2d_forward(p, values, w, bias_only, y);
      }
    });
  };
  const auto shapes = [](const Tensors& in, const Tensors&) { return std::pair(in[0], in[1]); };
  const Tensor y = apply(
      {.name = "conv2d", .run = run, .attributes = conv_attributes(options), .describe = describes(options, shapes)},
      {x, weight, bias}, TensorType{{p.n, p.out_h(), p.out_w(), p.c_out}, x.dtype()});

  const bool need_dx = x.requires_grad(), need_dw = weight.requires_grad(), need_db = bias.requires_grad();
  return record(y, "conv2d", {x, weight, bias},
                [x = Saved(x), w = Saved(weight), options, need_dx, need_dw, need_db](const Tensor& dy) {
                  return Gradients{need_dx ? conv2d_input_gradient(dy, w.get(), x->shape(), options) : Tensor(),
                                   need_dw ? conv2d_weight_gradient(x.get(), dy, w->shape(), options) : Tensor(),
                                   need_db ? bias_gradient(dy) : Tensor()};
                });
}

Tensor depthwise_conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, Conv2dOptions options) {
  WEFT_CHECK(x.rank() == 4 && weight.rank() == 4 && weight.size(0) == x.size(3) && weight.size(1) == 1,
             "[depthwise_conv2d] expected input [N, H, W, C] and weight [C, 1, KH, KW], got {} and {}", x.shape(),
             weight.shape());
  options.groups = x.size(3);
  return conv2d(x, weight, bias, options);
}

}  // namespace weft
