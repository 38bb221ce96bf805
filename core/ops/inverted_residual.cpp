// With k the numbers of a batch norm (mean, factor, ...; core/ops/old_batch_norm.h), the backward pass is three kernels,
// each with both gradients of its convolution:
//
//   dy            -> dWp, de2 = dy Wp'   and sums over de2 for the second batch norm's dgamma, dbeta
//   de2, d  make dd -> dwd, de1 = ...    and sums over de1 for the first's
//   de1, h  make dh -> dWe, dx
//
// where dd = batch norm's input gradient, made from de2 and d row by row. Saved are x, h, d. Without an expansion x
// takes e's place, the second kernel makes dx instead of de1, and there is no third.

#include "core/ops/inverted_residual.h"

#include <memory>

#include "core/autograd.h"
#include "core/kernels/conv_depthwise.h"
#include "core/kernels/pointwise.h"
#include "core/ops/old_conv2d.h"
#include "core/ops/made_images.h"
#include "core/profile.h"

namespace weft {
namespace {

using kernels::GradientSums;
using kernels::PixelSource;

std::int64_t rows_of(const Tensor& x) { return x.count() / x.size(3); }

/// The output of a convolution, for its batch norm.
Normalised normalise(const Tensor& x, const ChannelStatistics& taken, const NormalisedConv& conv,
                     const OldBatchNormOptions& options) {
  return {x, channel_coefficients(x, conv.norm, options, taken), options.clamp};
}

/// A profile entry for a convolution with made images; `passes` of 1 or, for both gradients, 2.
auto describe(const char* op, const ConvProblem& p, int passes) {
  return [op, &p, passes](ProfileEntry& entry) {
    old_describe_conv(entry, op, p, "made");
    entry.macs *= passes;
    entry.bytes *= passes;
  };
}

struct Problems {
  ConvProblem expand, depthwise, project;
};

Tensor image(const ConvProblem& p) { return Tensor::empty({p.n, p.out_h(), p.out_w(), p.c_out}); }

/// A convolution of a made image, by convolve(epilogue, y).
template <class Convolve>
Tensor forward(const ConvProblem& p, ChannelStatistics* statistics, Convolve&& convolve) {
  const Tensor y = image(p);
  const ProfileScope scope(describe("conv2d", p, 1));
  store_with_statistics(y, statistics, [&](kernels::OutputStatistics* taken) {
    kernels::ConvEpilogue<float> epilogue;
    epilogue.sums = taken;
    convolve(epilogue, y.mutable_data<float>());
  });
  return y;
}

/// Both gradients of a 1x1 convolution: dw, and dx to `dx` unless it is null.
void pointwise_gradients(const ConvProblem& p, const PixelSource& x, const PixelSource& dy, const Tensor& w,
                         const kernels::ConvEpilogue<float>& epilogue, float* dx, const Tensor& dw) {
  const ProfileScope scope([&](ProfileEntry& entry) {
    describe("conv2d dx+dw", p, 2)(entry);
    if (epilogue.residual != nullptr) entry.bytes += 4 * p.input_count();
  });
  kernels::pointwise_backward(x, dy, p.n * p.h * p.w, w.data<float>(), epilogue, dx, dw.mutable_data<float>());
}

void depthwise_gradients(const ConvProblem& p, const PixelSource& x, const PixelSource& dy, const Tensor& w, float* dx,
                         kernels::OutputSums* sums, const Tensor& dw) {
  const ProfileScope scope(describe("conv2d dx+dw", p, 2));
  kernels::conv_depthwise_backward(p, x, dy, w.data<float>(), dx, sums, dw.mutable_data<float>());
}

/// What a backward pass needs.
struct Block {
  Problems problems;
  Saved x;
  std::weak_ptr<Node> x_node;
  Saved expand, depthwise, project;  // weights
  Normalised h, d;                   // h.x is undefined without an expansion
  bool needs_dx;

  bool has_expansion() const { return h.x.defined(); }
  PixelSource x_pixels() const { return kernels::stored_pixels(x->data<float>(), x->size(3)); }
};

/// dwe, and dx where it is wanted, including what other consumers of x contributed before.
Tensor expand_gradients(const Block& block, const PixelSource& dh, const Tensor& dwe) {
  const ConvProblem& p = block.problems.expand;
  if (!block.needs_dx) {
    pointwise_gradients(p, block.x_pixels(), dh, block.expand.get(), {}, nullptr, dwe);
    return {};
  }
  const GradientPlace place(block.x_node, block.x->shape(), DType::f32);
  float* dx = place.dx.mutable_data<float>();
  pointwise_gradients(p, block.x_pixels(), dh, block.expand.get(), gradient_epilogue(block.x_node, place, dx), dx, dwe);
  return place.dx;
}

Gradients gradients_of(const Block& block, const Tensor& dy) {
  const Tensor dwp = Tensor::empty(block.project->shape()), dwd = Tensor::empty(block.depthwise->shape());
  const Tensor de2 = Tensor::empty(block.d.x.shape());
  GradientSums sums2(block.d.gradient_problem(Tensor()));
  pointwise_gradients(block.problems.project, block.d.pixels(), kernels::stored_pixels(dy.data<float>(), dy.size(3)),
                      block.project.get(), {.sums = &sums2}, de2.mutable_data<float>(), dwp);
  const MadeGradient dd(block.d, de2, sums2);

  if (!block.has_expansion()) {
    const Tensor dx = Tensor::empty(block.x->shape());
    float* values = dx.mutable_data<float>();
    depthwise_gradients(block.problems.depthwise, block.x_pixels(), dd.pixels(), block.depthwise.get(), values,
                        sums_over_gradient(block.x_node, dx), dwd);
    return {dx, Tensor(), Tensor(), Tensor(), dwd, dd.dgamma, dd.dbeta, dwp};
  }
  const Tensor de1 = Tensor::empty(block.h.x.shape()), dwe = Tensor::empty(block.expand->shape());
  GradientSums sums1(block.h.gradient_problem(Tensor()));
  depthwise_gradients(block.problems.depthwise, block.h.pixels(), dd.pixels(), block.depthwise.get(),
                      de1.mutable_data<float>(), &sums1, dwd);
  const MadeGradient dh(block.h, de1, sums1);
  const Tensor dx = expand_gradients(block, dh.pixels(), dwe);
  return {dx, dwe, dh.dgamma, dh.dbeta, dwd, dd.dgamma, dd.dbeta, dwp};
}

void check_channels(const NormalisedConv& conv) {
  for (const Tensor& t : {conv.norm.gamma, conv.norm.beta, conv.norm.running_mean, conv.norm.running_var}) {
    WEFT_CHECK(t.shape() == Shape{conv.weight.size(0)},
               "[inverted_residual] expected [{}] for gamma, beta and statistics, got {}", conv.weight.size(0),
               t.shape());
  }
}

Problems problems_of(const Tensor& x, const NormalisedConv& expand, const NormalisedConv& depthwise,
                     const Tensor& project, std::int64_t stride, const OldBatchNormOptions& options) {
  check_same_dtype("inverted_residual", {x, expand.weight, depthwise.weight, project});
  WEFT_CHECK(x.dtype() == DType::f32 && x.rank() == 4 && depthwise.weight.rank() == 4 && project.rank() == 4,
             "[inverted_residual] expected a float32 input [N, H, W, C] and weights of rank 4, got {} {}, {}, {}",
             dtype_name(x.dtype()), x.shape(), depthwise.weight.shape(), project.shape());
  WEFT_CHECK(options.training && options.clamp.lower == 0 && options.clamp.upper == 6,
             "[inverted_residual] expected batch norms in training, with relu6");
  const std::int64_t c_mid = depthwise.weight.size(0);
  Problems p;
  std::int64_t c_h = x.size(3);
  if (expand.weight.defined()) {
    check_channels(expand);
    p.expand = conv_problem(x.shape(), expand.weight.shape(), {});
    c_h = p.expand.c_out;
    WEFT_CHECK(p.expand.kernel_h == 1 && p.expand.kernel_w == 1,
               "[inverted_residual] expected an expansion [Cmid, Cin, 1, 1], got {}", expand.weight.shape());
  }
  check_channels(depthwise);
  WEFT_CHECK(c_h == c_mid && depthwise.weight.shape() == (Shape{c_mid, 1, 3, 3}) && (stride == 1 || stride == 2),
             "[inverted_residual] expected a depthwise weight [{}, 1, 3, 3] and stride 1 or 2, got {} and {}", c_h,
             depthwise.weight.shape(), stride);
  p.depthwise = conv_problem({x.size(0), x.size(1), x.size(2), c_mid}, depthwise.weight.shape(),
                             {.stride = stride, .padding = 1, .groups = c_mid});
  p.project = conv_problem({x.size(0), p.depthwise.out_h(), p.depthwise.out_w(), c_mid}, project.shape(), {});
  WEFT_CHECK(p.project.kernel_h == 1 && p.project.kernel_w == 1,
             "[inverted_residual] expected a projection [Cout, Cmid, 1, 1], got {}", project.shape());
  WEFT_CHECK(
      p.project.n * p.project.h * p.project.w > 1,
      "[inverted_residual] training needs more than one value a channel, got [{}, {}, {}, {}]; use a larger batch",
      p.project.n, p.project.h, p.project.w, p.project.c_in);
  return p;
}

}  // namespace

Tensor inverted_residual(const Tensor& x, const NormalisedConv& expand, const NormalisedConv& depthwise,
                         const Tensor& project, std::int64_t stride, const OldBatchNormOptions& options,
                         ChannelStatistics* statistics) {
  const Problems p = problems_of(x, expand, depthwise, project, stride, options);
  Normalised h;
  PixelSource e = kernels::stored_pixels(x.data<float>(), x.size(3));
  if (expand.weight.defined()) {
    ChannelStatistics taken;
    const Tensor expanded =
        conv_forward("conv2d", p.expand, x, expand.weight, Tensor(), Tensor(), no_clamp, &taken);
    h = normalise(expanded, taken, expand, options);
    e = h.pixels();
  }
  ChannelStatistics taken;
  const Tensor filtered = forward(p.depthwise, &taken, [&](const kernels::ConvEpilogue<float>& epilogue, float* to) {
    kernels::conv_depthwise_forward(p.depthwise, e, depthwise.weight.data<float>(), epilogue, to);
  });
  const Normalised d = normalise(filtered, taken, depthwise, options);
  const Tensor y = forward(p.project, statistics, [&](const kernels::ConvEpilogue<float>& epilogue, float* to) {
    kernels::pointwise_forward(d.pixels(), rows_of(filtered), p.project.c_out, project.data<float>(), epilogue, to);
  });

  const Tensors inputs = {x,
                          expand.weight,
                          expand.norm.gamma,
                          expand.norm.beta,
                          depthwise.weight,
                          depthwise.norm.gamma,
                          depthwise.norm.beta,
                          project};
  if (!needs_recording(inputs)) return y;
  const auto block = std::make_shared<Block>(Block{p, Saved(x), x.node(), Saved(expand.weight), Saved(depthwise.weight),
                                                   Saved(project), h, d, x.requires_grad()});
  return record(y, "inverted_residual", inputs, [block](const Tensor& dy) { return gradients_of(*block, dy); },
                {{"stride", static_cast<double>(stride)}, {"epsilon", options.epsilon}});
}

bool inverted_residual_is_preferred(std::int64_t c_mid, std::int64_t c_out) {
  constexpr std::int64_t most_weights = 100'000;  // measured
  return c_mid * c_out <= most_weights;
}

}  // namespace weft
