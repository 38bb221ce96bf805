// MobileNetV2's block (Sandler et al. 2018), with batch norm folded and clamps in the convolutions before:
//
//   project(clamp(depthwise(clamp(expand(x))))) + x  =  inverted_residual(x)
//
// in one pass by bands of rows, which never stores the expanded images: core/kernels/inverted_residual.h. Equal up to
// the order of additions. The expansion and the addition may be missing. Applies in float32 to constant weights, with
// any clamps; what is added must be the block's input. Gains writing and reading two images of six times the size.

#include "core/kernels/inverted_residual.h"
#include "core/plan/convolution.h"
#include "core/plan/rules/rules.h"
#include "core/plan/training_kernels.h"

namespace weft {
namespace {

using kernels::InvertedResidualProblem;

Operation pack(const InvertedResidualProblem& p) {
  const auto run = [p](const Tensors& in, const Tensors& out) {
    kernels::inverted_residual_pack(p,
                                    {floats_or_null(in[0]), floats_or_null(in[1]), in[2].data<float>(),
                                     in[3].data<float>(), in[4].data<float>(), in[5].data<float>()},
                                    out[0].mutable_data<float>());
  };
  return {.name = "pack_inverted_residual", .run = run};
}

Operation block(const InvertedResidualProblem& p) {
  const auto run = [p](const Tensors& in, const Tensors& out) {
    kernels::inverted_residual_forward(p, in[0].data<float>(), in[1].data<float>(), out[0].mutable_data<float>());
  };
  const auto describe = [p](const Tensors&, const Tensors&, ProfileEntry& entry) {
    entry.shapes = fmt::format("[{}, {}, {}, {}] -> {} -> [{}, {}, {}, {}]{}", p.n, p.h, p.w, p.c_in, p.c_mid, p.n,
                               p.out_h(), p.out_w(), p.c_out, p.stride == 1 ? "" : fmt::format(", /{}", p.stride));
    entry.algorithm = "fused";
    entry.macs = p.multiply_adds();
  };
  return {.name = "inverted_residual",
          .run = run,
          .attributes = {{"stride", static_cast<double>(p.stride)}, {"shortcut", p.has_shortcut ? 1.0 : 0.0}},
          .describe = describe};
}

bool replace(Rewrite& r, const Step* step) {
  Graph& g = r.graph;
  const ConvolutionStep project = convolution_of(r, step);
  if (!project || !is_pointwise(project.problem)) return false;
  const ConvolutionStep depthwise = convolution_of(r, g.maker(project.x()));
  if (!depthwise || !is_depthwise(depthwise.problem)) return false;
  if (clips(project.clamp)) return r.no(step, "the projection is clamped");
  if (g.only_reader(depthwise.output()) != step)
    return r.no(step, "the depthwise convolution's output is used elsewhere");
  if (depthwise.residual() != no_value) return r.no(step, "the depthwise convolution adds a residual");
  ConvolutionStep expand = convolution_of(r, g.maker(depthwise.x()));
  if (expand && (!is_pointwise(expand.problem) || expand.residual() != no_value ||
                 g.only_reader(expand.output()) != depthwise.step))
    expand = {};
  const Value x = expand ? expand.x() : depthwise.x();
  const bool has_shortcut = project.residual() != no_value;
  if (has_shortcut && (project.residual() != x || depthwise.problem.stride_h != 1))
    return r.no(step, "what it adds is not its input");
  std::vector<Value> weights{expand ? expand.weight() : no_value,
                             expand ? expand.bias() : no_value,
                             depthwise.weight(),
                             depthwise.bias(),
                             project.weight(),
                             project.bias()};
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == no_value && (i >= 2 || expand)) return r.no(step, "a convolution of it has no bias");
    if (!r.is_constant(weights[i])) return r.no(step, "its weights change from run to run");
  }
  const InvertedResidualProblem p{.n = depthwise.problem.n,
                                  .h = depthwise.problem.h,
                                  .w = depthwise.problem.w,
                                  .c_in = g.shape(x)[3],
                                  .c_mid = depthwise.problem.c_in,
                                  .c_out = project.problem.c_out,
                                  .stride = depthwise.problem.stride_h,
                                  .has_expansion = static_cast<bool>(expand),
                                  .expand_clamp = expand ? expand.clamp : no_clamp,
                                  .depthwise_clamp = depthwise.clamp,
                                  .has_shortcut = has_shortcut};
  const Value packed = g.add_value({{kernels::inverted_residual_packed_floats(p)}, DType::f32});
  r.put(step, {pack(p), weights, {packed}}, {});
  r.put(step, {block(p), {x, packed}, step->outputs}, {step, depthwise.step, expand.step});
  g.remove(step);
  g.remove(depthwise.step);
  if (expand) g.remove(expand.step);
  return true;
}

}  // namespace

void inverted_residual(Rewrite& rewrite) { replace_convolutions(rewrite, replace); }

}  // namespace weft
