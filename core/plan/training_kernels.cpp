#include "core/plan/training_kernels.h"

#include "core/kernels/conv_depthwise.h"
#include "core/kernels/pointwise.h"
#include "core/ops/pool2d.h"
#include "core/plan/convolution.h"

namespace weft {
namespace {

using kernels::ConvEpilogue;
using kernels::OutputSums;
using kernels::PixelSource;
using kernels::UpsampleConvProblem;

auto describes(const ConvProblem& p, const char* algorithm, int passes = 1) {
  return [=](const Tensors&, const Tensors&, ProfileEntry& entry) {
    describe_conv(entry, p, algorithm);
    entry.macs *= passes;
  };
}

auto describes(const UpsampleConvProblem& p, std::int64_t channels) {
  return [=](const Tensors&, const Tensors&, ProfileEntry& entry) { describe_upsample(p, channels, entry); };
}

std::vector<Attribute> attributes_of(const Conv2dOptions& options, Clamp clamp) {
  std::vector<Attribute> attributes = conv_attributes(options);
  add_clamp(attributes, clamp);
  return attributes;
}

Kernel make(StoringKernel kernel) { return std::make_shared<const StoringKernel>(std::move(kernel)); }

/// The image whose tensors begin at in[first].
PixelSource pixels_of(const Source& source, const Tensors& in, std::size_t first) {
  if (source.kind == Source::Kind::stored) return kernels::stored_pixels(in[first].data<float>(), in[first].size(3));
  return kernels::normalised_pixels(norm_problem(Tensor(), in, first, Tensor(), source.clamp));
}

/// The same for a gradient of a batch norm, with the numbers that its kernel wants.
class MadeGradient {
 public:
  MadeGradient(const Tensors& in, std::size_t first)
      : problem_(norm_problem(in[first], in, first + 1, Tensor(), no_clamp)),
        shift_(Tensor::empty(in[first + 6].shape())),
        stretch_(Tensor::empty(in[first + 6].shape())) {
    kernels::batch_norm_gradient_numbers(problem_, in[first + 6].data<float>(), in[first + 7].data<float>(),
                                         shift_.mutable_data<float>(), stretch_.mutable_data<float>());
  }
  PixelSource pixels() const {
    return {.kind = PixelSource::Kind::gradient,
            .channels = problem_.channels,
            .norm = problem_,
            .shift = shift_.data<float>(),
            .stretch = stretch_.data<float>()};
  }

 private:
  const kernels::BatchNormBackward<float> problem_;
  const Tensor shift_, stretch_;
};

Kernel conv2d_kernel(const ConvProblem& p, const Conv2dOptions& options) {
  const auto store = [p](const Tensors& in, const Tensors& out, const float* before, OutputSums* sums) {
    kernels::conv_forward(kernels::choose_conv(p), p, in[0].data<float>(), in[1].data<float>(),
                          {.bias = floats_or_null(in[2]), .residual = before, .sums = sums},
                          out[0].mutable_data<float>());
  };
  return make({.name = "conv2d_storing",
               .attributes = conv_attributes(options),
               .store = store,
               .describe = describes(p, kernels::choose_conv(p).name),
               .inputs = 3,
               .scratch_bytes = packing_bytes(p)});
}

Kernel input_gradient_kernel(const ConvProblem& p, const Conv2dOptions& options) {
  const auto store = [p](const Tensors& in, const Tensors& out, const float* before, OutputSums* sums) {
    kernels::choose_conv(p).input_gradient(p, in[0].data<float>(), in[1].data<float>(),
                                           {.residual = before, .sums = sums}, out[0].mutable_data<float>());
  };
  return make({.name = "conv2d_input_gradient_storing",
               .attributes = conv_attributes(options),
               .store = store,
               .describe = describes(p, kernels::choose_conv(p).name),
               .inputs = 2,
               .scratch_bytes = packing_bytes(p)});
}

Kernel max_pool_gradient_kernel(const kernels::Pool2d& sizes, std::vector<Attribute> attributes) {
  const auto store = [sizes](const Tensors& in, const Tensors& out, const float* before, OutputSums* sums) {
    kernels::max_pool2d_adjoint(sizes, in[0].data<float>(), in[1].data<std::uint8_t>(), before, sums,
                                out[0].mutable_data<float>());
  };
  return make({.name = "max_pool2d_gradient_storing",
               .attributes = std::move(attributes),
               .store = store,
               .describe = {},
               .inputs = 2});
}

}  // namespace

bool is_pointwise(const ConvProblem& p) {
  return p.kernel_h == 1 && p.kernel_w == 1 && p.stride_h == 1 && p.padding_h == 0 && p.groups == 1;
}

bool is_depthwise(const ConvProblem& p) {
  return p.groups == p.c_in && p.c_out == p.c_in && kernels::conv_depthwise_supports(p) &&
         kernels::conv_depthwise_backward_supports(p);
}

Kernel kernel_of(const Rewrite& rewrite, const Step& step) {
  if (step.kernel != nullptr) return step.kernel;
  const Graph& g = rewrite.graph;
  if (is_named(&step, "conv2d") && rewrite.is_float(step.outputs[0])) {
    const Conv2dOptions options = conv_options(step.operation);
    return conv2d_kernel(conv_problem(g.shape(step.inputs[0]), g.shape(step.inputs[1]), options), options);
  }
  if (is_named(&step, "conv2d_input_gradient") && rewrite.is_float(step.outputs[0])) {
    const Conv2dOptions options = conv_options(step.operation);
    return input_gradient_kernel(conv_problem(g.shape(step.outputs[0]), g.shape(step.inputs[1]), options), options);
  }
  if (is_named(&step, "max_pool2d_gradient") && rewrite.is_float(step.outputs[0])) {
    const auto integer = [&](const char* name) { return static_cast<std::int64_t>(step.operation.attribute(name)); };
    const Shape &x = g.shape(step.outputs[0]), &y = g.shape(step.inputs[0]);
    return max_pool_gradient_kernel(
        {x[0], x[1], x[2], x[3], integer("kernel"), integer("stride"), integer("padding"), y[1], y[2]},
        step.operation.attributes);
  }
  return nullptr;
}

const Step* input_gradient_beside(const Graph& g, const Step& weight, Value w) {
  const Value dy = weight.inputs[1];
  const auto& options = weight.operation.attributes;
  const auto is_same = [](const Attribute& a, const Attribute& b) { return a.value == b.value; };
  const Step* found = nullptr;
  for (const Step* reader : g.readers(dy)) {
    if (is_named(reader, "conv2d_input_gradient") && reader->inputs[0] == dy &&
        g.shape(reader->outputs[0]) == g.shape(weight.inputs[0]) && (w == no_value || reader->inputs[1] == w) &&
        g.shape(reader->inputs[1]) == g.shape(weight.outputs[0]) &&
        std::equal(options.begin(), options.end(), reader->operation.attributes.begin(), is_same))
      found = reader;
  }
  return found;
}

namespace {

/// A kernel that runs forward(x, w, epilogue, y) on an x that it normalises as it reads it.
template <class Forward>
Kernel of_normalised(const ConvProblem& p, const Conv2dOptions& options, Clamp clamp, const char* algorithm,
                     Forward forward) {
  const auto store = [clamp, forward](const Tensors& in, const Tensors& out, const float* before, OutputSums* sums) {
    forward(pixels_of({Source::Kind::normalised, clamp}, in, 0), in[5].data<float>(),
            ConvEpilogue<float>{.residual = before, .sums = sums}, out[0].mutable_data<float>());
  };
  return make({.name = "conv2d_of_normalised",
               .attributes = attributes_of(options, clamp),
               .store = store,
               .describe = describes(p, algorithm),
               .inputs = 6});
}

}  // namespace

Kernel conv2d_of_normalised(const ConvProblem& p, const Conv2dOptions& options, Clamp clamp) {
  const kernels::ConvAlgorithm& algorithm = kernels::choose_conv(p);
  return of_normalised(p, options, clamp, algorithm.name,
                       [p, &algorithm](const PixelSource& x, const float* w, const auto& epilogue, float* y) {
                         kernels::conv_forward(algorithm, p, x, w, epilogue, y);
                       });
}

Kernel pointwise_of_normalised(const ConvProblem& p, const Conv2dOptions& options, Clamp clamp) {
  return of_normalised(p, options, clamp, "made",
                       [p](const PixelSource& x, const float* w, const auto& epilogue, float* y) {
                         kernels::pointwise_forward(x, p.n * p.h * p.w, p.c_out, w, epilogue, y);
                       });
}

Kernel depthwise_of_normalised(const ConvProblem& p, const Conv2dOptions& options, Clamp clamp) {
  return of_normalised(p, options, clamp, "made",
                       [p](const PixelSource& x, const float* w, const auto& epilogue, float* y) {
                         kernels::conv_depthwise_forward(p, x, w, epilogue, y);
                       });
}

Operation weight_gradient_of_normalised(const ConvProblem& p, const Conv2dOptions& options, Clamp clamp) {
  const kernels::ConvAlgorithm& algorithm = kernels::choose_conv(p);
  const auto run = [p, clamp, &algorithm](const Tensors& in, const Tensors& out) {
    algorithm.weight_gradient_made(p, pixels_of({Source::Kind::normalised, clamp}, in, 0), in[5].data<float>(),
                                   out[0].mutable_data<float>());
  };
  return {.name = "conv2d_weight_gradient_of_normalised",
          .run = run,
          .attributes = attributes_of(options, clamp),
          .describe = describes(p, algorithm.name)};
}

Kernel both_gradients(const ConvProblem& p, const Conv2dOptions& options, bool is_depthwise, const Source& x,
                      const Source& dy) {
  const std::size_t dy_at = x.inputs(), w_at = dy_at + dy.inputs();
  const auto compute = [=](const Tensors& in, const PixelSource& dy_pixels, const Tensors& out, const float* before,
                           OutputSums* sums) {
    const PixelSource x_pixels = pixels_of(x, in, 0);
    const float* w = in[w_at].data<float>();
    float *dx = out[0].mutable_data<float>(), *dw = out[1].mutable_data<float>();
    if (is_depthwise) {
      kernels::conv_depthwise_backward(p, x_pixels, dy_pixels, w, dx, sums, dw);
    } else {
      kernels::pointwise_backward(x_pixels, dy_pixels, p.n * p.h * p.w, w, {.residual = before, .sums = sums}, dx, dw);
    }
  };
  const auto store = [=](const Tensors& in, const Tensors& out, const float* before, OutputSums* sums) {
    if (dy.kind != Source::Kind::gradient) return compute(in, pixels_of(dy, in, dy_at), out, before, sums);
    const MadeGradient gradient(in, dy_at);
    compute(in, gradient.pixels(), out, before, sums);
  };
  std::vector<Attribute> attributes = conv_attributes(options);
  if (x.kind == Source::Kind::normalised) {
    attributes.push_back({"normalises_x", 1});
    attributes.push_back({"x_lower", static_cast<double>(x.clamp.lower)});
    attributes.push_back({"x_upper", static_cast<double>(x.clamp.upper)});
  }
  if (dy.kind == Source::Kind::gradient) attributes.push_back({"makes_dy", 1});
  return make({.name = "conv2d_gradients",
               .attributes = attributes,
               .store = store,
               .describe = describes(p, "made", 2),
               .inputs = w_at + 1,
               .outputs = 2,
               .adds = !is_depthwise});
}

Clamp normalised_clamp_of(const Operation& operation) {
  return {static_cast<float>(operation.attribute("x_lower")), static_cast<float>(operation.attribute("x_upper"))};
}

bool has_upsampled_form(const ConvProblem& p) {
  return p.kernel_h == 3 && p.kernel_w == 3 && p.stride_h == 1 && p.padding_h == 1 && p.dilation_h == 1 &&
         p.groups == 1;
}

UpsampleConvProblem upsample_problem(const Shape& x, const ConvProblem& p) {
  return {.n = x[0], .h = x[1], .w = x[2], .c_up = x[3], .c_skip = p.c_in - x[3], .c_out = p.c_out};
}

void describe_upsample(const UpsampleConvProblem& p, std::int64_t channels, ProfileEntry& entry) {
  entry.shapes = fmt::format("[{}, {}, {}, {}] x2 + {} -> [{}, {}, {}, {}], 3x3", p.n, p.h, p.w, p.c_up, p.c_skip, p.n,
                             2 * p.h, 2 * p.w, p.c_out);
  entry.algorithm = "upsample";
  entry.macs = p.joined().output_count() * channels * 9;
}

std::int64_t packing_bytes(const UpsampleConvProblem& p) {
  return with_tiles(static_cast<std::int64_t>(sizeof(float)) * kernels::upsample_conv_packed_floats(p));
}

Kernel upsample_conv2d_kernel(const UpsampleConvProblem& p) {
  const auto store = [p](const Tensors& in, const Tensors& out, const float* before, OutputSums* sums) {
    const ScratchBuffer packed(static_cast<std::size_t>(kernels::upsample_conv_packed_floats(p)) * sizeof(float));
    kernels::upsample_conv_pack(p, in[2].data<float>(), packed.as<float>());
    kernels::upsample_conv_forward(p, in[0].data<float>(), floats_or_null(in[1]), packed.as<float>(),
                                   {.residual = before, .sums = sums}, out[0].mutable_data<float>());
  };
  return make({.name = "upsample_conv2d_storing",
               .attributes = {},
               .store = store,
               .describe = describes(p, p.c_up + p.c_skip),
               .inputs = 3,
               .scratch_bytes = packing_bytes(p),
               .adds = false});
}

/// The same filters, from the other side, go into the gradient of what is upsampled; the skip's are few.
Kernel upsample_input_gradient_kernel(const UpsampleConvProblem& p) {
  const auto store = [p](const Tensors& in, const Tensors& out, const float* before, OutputSums* sums) {
    kernels::upsample_conv_input_gradient(p, in[0].data<float>(), in[1].data<float>(),
                                          {.residual = before, .sums = sums}, out[0].mutable_data<float>());
  };
  return make({.name = "upsample_conv2d_input_gradient",
               .attributes = {},
               .store = store,
               .describe = describes(p, p.c_up),
               .inputs = 2,
               .scratch_bytes = packing_bytes(p)});
}

Kernel upsample_skip_gradient_kernel(const UpsampleConvProblem& p) {
  const auto store = [p](const Tensors& in, const Tensors& out, const float* before, OutputSums* sums) {
    kernels::upsample_conv_skip_gradient(p, in[0].data<float>(), in[1].data<float>(),
                                         {.residual = before, .sums = sums}, out[0].mutable_data<float>());
  };
  return make({.name = "upsample_conv2d_skip_gradient",
               .attributes = {},
               .store = store,
               .describe = describes(p, p.c_skip),
               .inputs = 2});
}

Operation upsample_weight_gradient(const UpsampleConvProblem& p) {
  const auto run = [p](const Tensors& in, const Tensors& out) {
    kernels::upsample_conv_weight_gradient(p, in[0].data<float>(), floats_or_null(in[1]), in[2].data<float>(),
                                           out[0].mutable_data<float>());
  };
  return {.name = "upsample_conv2d_weight_gradient", .run = run, .describe = describes(p, p.c_up + p.c_skip)};
}

}  // namespace weft
