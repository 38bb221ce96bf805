// A rule of one's own: a factor behind a convolution, as networks with long residual branches have it (Szegedy et al.
// 2016, arXiv:1602.07261, section 3.3), goes into its filters.
//
//   scale(conv2d(x, w, b), k)  =  conv2d(x, k w, k b)
//
// Equal up to rounding: one rounding a weight instead of one an output. Applies where only the factor reads the
// convolution's output. Gains a pass over the image: at inference k w is computed once, when the plan is made.

#include <weft/weft.h>

#include "example.h"

namespace {

using namespace weft;
using namespace weft::example;

// ---- the rule ----

bool scale_in_filters(Rewrite& r, const Step* scaled) {
  Graph& g = r.graph;
  const Step* conv = g.maker(scaled->inputs[0]);
  // What the rule relies on it asks for. Each no is a sentence for inspect_model --plan and Plan::refusals().
  if (!is_named(conv, "conv2d")) return r.no(scaled, "its input is no convolution's output");
  if (g.only_reader(conv->outputs[0]) != scaled) return r.no(scaled, "the convolution's output is used elsewhere");

  const auto times_factor = [&](Value v) {
    if (v == no_value) return no_value;  // no bias
    const Value product = g.add_value(g.type(v));
    r.put(scaled, {scaled->operation, {v}, {product}}, {scaled});
    return product;
  };
  const Value x = conv->inputs[0], w = times_factor(conv->inputs[1]), b = times_factor(conv->inputs[2]);
  r.put(scaled, {conv->operation, {x, w, b}, scaled->outputs}, {conv, scaled});
  g.remove(scaled);
  g.remove(conv);
  return true;
}

const Rule rule = {"scale_in_filters", "a factor behind a convolution goes into its filters", [](Rewrite& rewrite) {
                     for (const Step* step : steps_named(rewrite.graph, "scale")) scale_in_filters(rewrite, step);
                   }};

// ---- tried ----

int count(const Plan& plan, const char* operation) {
  return static_cast<int>(steps_named(plan.graph(), operation).size());
}

}  // namespace

int main() {
  return run([] {
    const Tensor w = noise({8, 8, 3, 3}, 1).set_requires_grad(true), b = noise({8}, 2).set_requires_grad(true);
    const Tensor x = noise({1, 20, 20, 8}, 3);
    const auto block = [&](const Tensors& in) {
      return relu(add(in[0], scale(conv2d(in[0], w, b, {.padding = 1}), 0.1)));
    };

    const PlanOptions with_rule{.more_rules = {rule}, .explains = true};
    const Plan infer = Plan::inference(block, {x.shape()}, with_rule);
    std::printf("%s", infer.graph().to_string().c_str());
    {
      const NoGrad no_grad;
      check(difference(infer.run({x}), block({x})) < 1e-5, "planned = eager");
    }
    check(count(infer, "scale") == 0, "the factor is in the filters, computed beforehand");
    check(count(Plan::inference(block, {x.shape()}), "scale") == 1, "without the rule it is a step");
    check(infer.graph().steps().size() == 1, "with the factor gone, the sum and the clamp go into the convolution too");

    // The gradient of the convolution reads x and w, not its output: the rule holds in training as it stands.
    const auto loss = [&](const Tensors& in) { return mean(block(in)); };
    loss({x}).backward();
    const Tensor dw = w.grad(), db = b.grad();
    const Plan step = Plan::training(loss, {x.shape()}, with_rule);
    step.run({x});
    check(difference(w.grad(), dw) < 1e-5 && difference(b.grad(), db) < 1e-5, "and so are the gradients");

    // A network that it must refuse: the unscaled output is needed too.
    const auto used_twice = [&](const Tensors& in) {
      const Tensor y = conv2d(in[0], w, b, {.padding = 1});
      return add(y, scale(y, 0.1));
    };
    const Plan refused = Plan::inference(used_twice, {x.shape()}, with_rule);
    bool is_said = false;
    for (const Refusal& refusal : refused.refusals())
      is_said |= refusal.rule == rule.name && refusal.reason == "the convolution's output is used elsewhere";
    check(is_said && count(refused, "scale") == 1, "what it must leave alone it leaves alone, and says why");
    const NoGrad no_grad;
    check(difference(refused.run({x}), used_twice({x})) < 1e-6, "which then runs as it stands");
  });
}
