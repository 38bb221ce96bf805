// conv2d(normalise(h), w)  =  conv2d_of_normalised(h, w)
//
// The kernels of the convolution and of its gradients normalise the pixels of h as they load them
// (core/kernels/pixel_source.h): y = normalise(h) is never stored. That saves a pass that reads h and writes as much,
// and between the passes the memory of one image in two. The same sums, so the same bits for the convolution; its
// gradients likewise with Winograd's algorithm, up to the order of additions where one kernel makes both.
//
// Applies in float32 where only one convolution without bias, and its gradients, read y, and where a kernel can:
// Winograd's forward and weight gradient; for 1x1 and depthwise convolutions the kernels that make both gradients in
// one pass (both_gradients.cpp has the condition).

#include "core/plan/batch_norm.h"
#include "core/plan/convolution.h"
#include "core/plan/rules/rules.h"
#include "core/plan/training_kernels.h"

namespace weft {
namespace {

struct Readers {
  const Step *conv = nullptr, *weight = nullptr, *input = nullptr;  // input: dx of the same convolution
};

bool replace(Rewrite& r, const Step* norm) {
  Graph& g = r.graph;
  const Value y = norm->outputs[0];
  if (norm->inputs[3] != no_value) return r.no(norm, "it adds a residual, which is stored for others");
  Readers readers;
  for (const Step* reader : g.readers(y)) {
    if (is_named(reader, "conv2d") && reader->inputs[0] == y && readers.conv == nullptr) {
      readers.conv = reader;
    } else if (is_named(reader, "conv2d_weight_gradient") && reader->inputs[0] == y && readers.weight == nullptr) {
      readers.weight = reader;
    } else {
      return r.no(norm, std::string("it is read by ") + reader->operation.name + " as well");
    }
  }
  if (readers.conv == nullptr || g.is_output(y)) return r.no(norm, "no convolution reads it alone");
  const ConvolutionStep conv = convolution_of(r, readers.conv);
  if (!conv || conv.bias() != no_value || conv.residual() != no_value)
    return r.no(norm, "the convolution that reads it has a bias");
  if (readers.weight != nullptr) readers.input = input_gradient_beside(g, *readers.weight, conv.weight());
  const NormValues numbers = norm_values_of(g, *norm);
  if (numbers.mean == no_value) return r.no(norm, "its statistics are not at hand");
  const Clamp clamp = clamp_of(norm->operation);
  const Conv2dOptions options = conv.options();
  const ConvProblem& p = conv.problem;
  std::vector<Value> inputs = numbers.all();
  const auto with = [&](Value last) {
    std::vector<Value> all = inputs;
    all.push_back(last);
    return all;
  };

  if (kernels::choose_conv(p).forward_made != nullptr) {
    r.put(conv.step, storing_step(conv2d_of_normalised(p, options, clamp), with(conv.weight()), {conv.output()}),
          {norm, conv.step});
    if (readers.weight != nullptr) {
      r.put(
          readers.weight,
          {weight_gradient_of_normalised(p, options, clamp), with(readers.weight->inputs[1]), readers.weight->outputs},
          {norm, readers.weight});
      g.remove(readers.weight);
    }
  } else if (gradients_in_one_pass(p) && readers.weight != nullptr && readers.input != nullptr) {
    const bool depthwise = is_depthwise(p);
    const Kernel forward =
        depthwise ? depthwise_of_normalised(p, options, clamp) : pointwise_of_normalised(p, options, clamp);
    r.put(conv.step, storing_step(forward, with(conv.weight()), {conv.output()}), {norm, conv.step});
    const Source x{Source::Kind::normalised, clamp};
    inputs.push_back(readers.weight->inputs[1]);
    inputs.push_back(conv.weight());
    r.put(readers.input,
          storing_step(both_gradients(p, options, depthwise, x, {}), inputs,
                       {readers.input->outputs[0], readers.weight->outputs[0]}),
          {norm, readers.input, readers.weight});
    g.remove(readers.input);
    g.remove(readers.weight);
  } else {
    return r.no(norm, "the convolution that reads it has no kernel that normalises");
  }
  g.remove(conv.step);
  g.remove(norm);
  return true;
}

}  // namespace

NormValues norm_values_of(const Graph& g, const Step& normalise) {
  const Step* numbers = g.maker(normalise.inputs[1]);
  if (!is_named(numbers, "channel_numbers")) return {};
  return {normalise.inputs[0], numbers->inputs[0], numbers->outputs[0], numbers->outputs[1], numbers->outputs[2]};
}

void normalise_on_read(Rewrite& rewrite) {
  for (const Step* norm : steps_named(rewrite.graph, "normalise")) replace(rewrite, norm);
}

}  // namespace weft
