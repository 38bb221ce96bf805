// conv2d(concat_channels(a, b), w)  =  joined_conv2d(a, b, w)          3x3, stride 1
//
// The first convolution of a decoder whose skip is joined to something other than a nearest upsampling: a transposed
// convolution, a bilinear upsampling. Without the joined image (core/kernels/conv_joined.h); equal up to rounding,
// within the bounds of Winograd's convolution, 2e-5 of the output's range. Applies in float32, where nobody else reads
// the joined image, and where the convolution would be Winograd's. Gains writing and reading that image: the paper's
// U-Net with 16 to 256 channels takes 9 % less time at 512 x 512, 0 to 5 % at 256 x 256 (docs/performance.md).

#include "core/kernels/conv_joined.h"
#include "core/plan/convolution.h"
#include "core/plan/rules/rules.h"

namespace weft {
namespace {

using kernels::JoinedConvProblem;

Operation pack(const JoinedConvProblem& p) {
  const auto run = [p](const Tensors& in, const Tensors& out) {
    kernels::joined_conv_pack(p, in[0].data<float>(), out[0].mutable_data<float>());
  };
  return {.name = "pack_joined_filters", .run = run, .attributes = {{"first", static_cast<double>(p.c_first)}}};
}

Operation joined_conv2d(const JoinedConvProblem& p, const Conv2dOptions& options, Clamp clamp) {
  const auto run = [p, clamp](const Tensors& in, const Tensors& out) {
    kernels::joined_conv_forward(p, in[0].data<float>(), in[1].data<float>(), in[2].data<float>(),
                                 {.bias = floats_or_null(in[3]), .clamp = clamp}, out[0].mutable_data<float>());
  };
  std::vector<Attribute> attributes = conv_attributes(options);
  add_clamp(attributes, clamp);
  return {.name = "joined_conv2d",
          .run = run,
          .attributes = attributes,
          .describe = [p](const Tensors&, const Tensors&, ProfileEntry& entry) {
            describe_conv(entry, p.conv, "winograd, of two images");
          }};
}

bool replace(Rewrite& r, const Step* step) {
  Graph& g = r.graph;
  const ConvolutionStep conv = convolution_of(r, step);
  if (!conv) return false;
  const Step* joined = g.maker(conv.x());
  if (!is_named(joined, "concat_channels") || joined->inputs.size() != 2) return false;
  if (conv.residual() != no_value) return r.no(step, "it adds a residual");
  if (g.only_reader(joined->outputs[0]) != step) return r.no(step, "the joined image is used elsewhere");
  const JoinedConvProblem problem{conv.problem, g.shape(joined->inputs[0])[3]};
  if (!kernels::joined_conv_is_preferred(problem))
    return r.no(step, "another algorithm than Winograd's is faster for it");
  const Value packed = g.add_value({{kernels::joined_conv_packed_floats(problem)}, DType::f32});
  r.put(step, {pack(problem), {conv.weight()}, {packed}}, {});
  r.put(step,
        {joined_conv2d(problem, conv.options(), conv.clamp),
         {joined->inputs[0], joined->inputs[1], packed, conv.bias()},
         step->outputs},
        {step});
  g.remove(step);
  g.remove(joined);
  return true;
}

}  // namespace

void joined_convolution(Rewrite& rewrite) { replace_convolutions(rewrite, replace); }

}  // namespace weft
