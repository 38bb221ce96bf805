// clamp(add(conv2d(x, w, b), residual), lower, upper)  =  conv2d_fused(x, w, b, residual; lower, upper)
//
// The kernels add and clamp before they store. Either of the two may be missing. The same sums and bits, but where
// there are a bias and a residual, which the kernels add in another order than the operations: a rounding then falls
// elsewhere, within 1e-6 of the range. Applies in float32, where nobody else reads what lies between. Gains a pass over
// the image for each. A step that follows and is no clamp, such as leaky_relu, stays as it is.

#include "core/plan/convolution.h"
#include "core/plan/rules/rules.h"

namespace weft {
namespace {

bool finish(Rewrite& r, const Step* step) {
  Graph& g = r.graph;
  const ConvolutionStep conv = convolution_of(r, step);
  if (!conv) return r.no(step, "the kernels that clamp are float32's");
  Value residual = no_value;
  const Step *last = step, *sum = nullptr, *clamp = nullptr;
  if (const Step* next = g.only_reader(last->outputs[0]); is_named(next, "add")) {
    const Value other = next->inputs[next->inputs[0] == last->outputs[0] ? 1 : 0];
    if (other != last->outputs[0] && g.shape(other) == g.shape(next->outputs[0]) &&
        g.shape(last->outputs[0]) == g.shape(next->outputs[0])) {
      residual = other;
      last = sum = next;
    }
  }
  if (const Step* next = g.only_reader(last->outputs[0]); is_named(next, "clamp")) last = clamp = next;
  if (last == step) {
    const Step* next = g.only_reader(step->outputs[0]);
    if (next == nullptr) return r.no(step, "its output is used more than once, or is a result");
    return r.no(step, std::string("what follows is ") + next->operation.name + ": no kernel ends so");
  }
  const Clamp bounds = clamp != nullptr ? clamp_of(clamp->operation) : no_clamp;
  r.put(last,
        {conv2d_fused(conv.problem, conv.options(), bounds),
         {conv.x(), conv.weight(), conv.bias(), residual},
         last->outputs},
        {step, sum, clamp});
  for (const Step* old : {clamp, sum, step}) {
    if (old != nullptr) g.remove(old);
  }
  return true;
}

}  // namespace

void finish_in_convolution(Rewrite& rewrite) {
  for (const Step* conv : steps_named(rewrite.graph, "conv2d")) finish(rewrite, conv);
}

}  // namespace weft
