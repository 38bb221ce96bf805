#include "core/plan/convolution.h"

namespace weft {

Clamp clamp_of(const Operation& operation) {
  if (!operation.has("lower")) return no_clamp;
  return {static_cast<float>(operation.attribute("lower")), static_cast<float>(operation.attribute("upper"))};
}

void add_clamp(std::vector<Attribute>& attributes, Clamp clamp) {
  if (!clips(clamp)) return;
  attributes.push_back({"lower", static_cast<double>(clamp.lower)});
  attributes.push_back({"upper", static_cast<double>(clamp.upper)});
}

ConvolutionStep convolution_of(const Rewrite& rewrite, const Step* step) {
  if (!is_named(step, "conv2d") && !is_named(step, "conv2d_fused")) return {};
  const Graph& graph = rewrite.graph;
  if (graph.dtype(step->outputs[0]) != DType::f32) return {};
  return {step, conv_problem(graph.shape(step->inputs[0]), graph.shape(step->inputs[1]), conv_options(step->operation)),
          clamp_of(step->operation)};
}

namespace {

kernels::ConvEpilogue<float> epilogue_of(const Tensors& in, Clamp clamp) {
  return {.bias = floats_or_null(in[2]), .residual = floats_or_null(in[3]), .clamp = clamp};
}

std::vector<Attribute> attributes_of(const Conv2dOptions& options, Clamp clamp) {
  std::vector<Attribute> attributes = conv_attributes(options);
  add_clamp(attributes, clamp);
  return attributes;
}

}  // namespace

Operation conv2d_fused(const ConvProblem& p, const Conv2dOptions& options, Clamp clamp) {
  const auto run = [p, clamp](const Tensors& in, const Tensors& out) {
    kernels::conv_forward(kernels::choose_conv(p), p, in[0].data<float>(), in[1].data<float>(), epilogue_of(in, clamp),
                          out[0].mutable_data<float>());
  };
  const auto describe = [p](const Tensors&, const Tensors&, ProfileEntry& entry) {
    describe_conv(entry, p, kernels::choose_conv(p).name);
  };
  return {.name = "conv2d_fused", .run = run, .attributes = attributes_of(options, clamp), .describe = describe};
}

Operation conv2d_packed(const ConvProblem& p, const kernels::ConvAlgorithm& algorithm, const Conv2dOptions& options,
                        Clamp clamp) {
  const auto run = [p, &algorithm, clamp](const Tensors& in, const Tensors& out) {
    algorithm.forward(p, in[0].data<float>(), in[1].data<float>(), epilogue_of(in, clamp),
                      out[0].mutable_data<float>());
  };
  const auto describe = [p, &algorithm](const Tensors&, const Tensors&, ProfileEntry& entry) {
    describe_conv(entry, p, algorithm.name);
  };
  return {.name = "conv2d_packed", .run = run, .attributes = attributes_of(options, clamp), .describe = describe};
}

Operation pack_filters(const ConvProblem& p, const kernels::ConvAlgorithm& algorithm) {
  const auto run = [p, &algorithm](const Tensors& in, const Tensors& out) {
    algorithm.pack(p, in[0].data<float>(), out[0].mutable_data<float>());
  };
  // The order depends on channels and kernel, not on the picture: plans for several sizes share it.
  return {.name = "pack_filters",
          .run = run,
          .attributes = {{algorithm.name, 1}, {"groups", static_cast<double>(p.groups)}}};
}

}  // namespace weft
