// dx = conv2d_input_gradient(dy, w), dw = conv2d_weight_gradient(x, dy)  =  conv2d_gradients(x, dy, w)
//
// Both gradients of a 1x1 convolution in one pass over the pixels, where dy comes from a batch norm behind it: the next
// rule but two then makes dy while it is read (gradient_on_read.cpp). Equal up to the order of additions. Applies in
// float32 where the weights fit into the second-level cache beside their sums: with more, two separate kernels are
// faster, and images so small stay in the caches anyway.

#include "core/plan/batch_norm.h"
#include "core/plan/rules/rules.h"
#include "core/plan/training_kernels.h"

namespace weft {

bool gradients_in_one_pass(const ConvProblem& p) {
  constexpr std::int64_t most_weights = 100'000;  // measured
  return is_depthwise(p) || (is_pointwise(p) && p.c_in * p.c_out <= most_weights);
}

namespace {

bool replace(Rewrite& r, const Step* weight) {
  Graph& g = r.graph;
  if (!r.is_float(weight->outputs[0])) return r.no(weight, "the kernel is float32's");
  const Value x = weight->inputs[0], dy = weight->inputs[1];
  const Conv2dOptions options = conv_options(weight->operation);
  const ConvProblem p = conv_problem(g.shape(x), g.shape(weight->outputs[0]), options);
  if (!gradients_in_one_pass(p)) return r.no(weight, "it is no 1x1 or depthwise convolution of few weights");
  const Step* input = input_gradient_beside(g, *weight);
  if (input == nullptr) return r.no(weight, "its input needs no gradient");
  if (g.uses(dy) != 2 || !is_named(g.maker(dy), "normalise_gradient"))
    return r.no(weight, "its output's gradient is not a batch norm's alone");
  r.put(input,
        storing_step(both_gradients(p, options, is_depthwise(p), {}, {}), {x, dy, input->inputs[1]},
                     {input->outputs[0], weight->outputs[0]}),
        {input, weight});
  g.remove(input);
  g.remove(weight);
  return true;
}

}  // namespace

void both_gradients_at_once(Rewrite& rewrite) {
  for (const Step* weight : steps_named(rewrite.graph, "conv2d_weight_gradient")) replace(rewrite, weight);
}

}  // namespace weft
