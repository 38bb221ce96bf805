// conv2d(concat_channels(upsample_nearest2x(x), skip), w)  =  upsample_conv2d(x, skip, w)          3x3, padding 1
//
// A U-Net decoder's first convolution, without the upsampled and the joined image: core/kernels/conv_upsample.h says
// how, and that it is equal up to rounding, within 2e-5 of the output's range. `skip` may be missing. Applies in
// float32, where nobody else reads what is left out, and where the convolution would be Winograd's. Gains two passes
// over images and three of four products of what is upsampled.

#include "core/plan/convolution.h"
#include "core/plan/rules/rules.h"
#include "core/plan/training_kernels.h"

namespace weft {
namespace {

using kernels::UpsampleConvProblem;

Operation pack(const UpsampleConvProblem& p) {
  const auto run = [p](const Tensors& in, const Tensors& out) {
    kernels::upsample_conv_pack(p, in[0].data<float>(), out[0].mutable_data<float>());
  };
  return {.name = "pack_upsample_filters", .run = run, .attributes = {{"upsampled", static_cast<double>(p.c_up)}}};
}

Operation upsample_conv2d(const UpsampleConvProblem& p, Clamp clamp) {
  const auto run = [p, clamp](const Tensors& in, const Tensors& out) {
    kernels::upsample_conv_forward(p, in[0].data<float>(), floats_or_null(in[1]), in[2].data<float>(),
                                   {.bias = floats_or_null(in[3]), .clamp = clamp}, out[0].mutable_data<float>());
  };
  std::vector<Attribute> attributes;
  add_clamp(attributes, clamp);
  return {.name = "upsample_conv2d",
          .run = run,
          .attributes = attributes,
          .describe = [p](const Tensors&, const Tensors&, ProfileEntry& entry) {
            describe_upsample(p, p.c_up + p.c_skip, entry);
          }};
}

bool replace(Rewrite& r, const Step* step) {
  Graph& g = r.graph;
  const ConvolutionStep conv = convolution_of(r, step);
  if (!conv) return false;
  const ConvProblem& p = conv.problem;
  const Step* joined = g.maker(conv.x());
  const bool is_joined = is_named(joined, "concat_channels") && joined->inputs.size() == 2;
  const Step* up = is_joined ? g.maker(joined->inputs[0]) : joined;
  if (!is_named(up, "upsample_nearest2x")) return false;
  if (!has_upsampled_form(p)) return r.no(step, "it is no 3x3 convolution with stride 1 and padding 1");
  if (conv.residual() != no_value) return r.no(step, "it adds a residual");
  if (is_joined && g.only_reader(joined->outputs[0]) != step) return r.no(step, "the joined image is used elsewhere");
  if (g.only_reader(up->outputs[0]) != (is_joined ? joined : step))
    return r.no(step, "the upsampled image is used elsewhere");
  const UpsampleConvProblem problem = upsample_problem(g.shape(up->inputs[0]), p);
  if (!kernels::upsample_conv_is_preferred(problem))
    return r.no(step, "another algorithm than Winograd's is faster for it");
  const Value packed = g.add_value({{kernels::upsample_conv_packed_floats(problem)}, DType::f32});
  r.put(step, {pack(problem), {conv.weight()}, {packed}}, {});
  r.put(step,
        {upsample_conv2d(problem, conv.clamp),
         {up->inputs[0], is_joined ? joined->inputs[1] : no_value, packed, conv.bias()},
         step->outputs},
        {step});
  g.remove(step);
  if (is_joined) g.remove(joined);
  g.remove(up);
  return true;
}

}  // namespace

void upsample_convolution(Rewrite& rewrite) { replace_convolutions(rewrite, replace); }

}  // namespace weft
