// conv2d_gradients(x, normalise_gradient(dz, ...), w)  =  conv2d_gradients(x, (dz, ...), w)
//
// A kernel that makes both gradients of a convolution reads dy once, so it can make it from dz while it does: batch
// norm's input gradient, six times as large as the images around MobileNetV2's block, is never stored. The same
// numbers. Applies where nobody else reads it, and what made dz has masked it already.

#include "core/plan/batch_norm.h"
#include "core/plan/convolution.h"
#include "core/plan/rules/rules.h"
#include "core/plan/training_kernels.h"

namespace weft {
namespace {

bool replace(Rewrite& r, const Step* step) {
  Graph& g = r.graph;
  const bool normalises = step->operation.has("normalises_x");
  const std::size_t dy_at = normalises ? 5 : 1;
  const Step* made = g.maker(step->inputs[dy_at]);
  if (!is_named(made, "normalise_gradient")) return r.no(step, "its output's gradient is no batch norm's");
  if (g.only_reader(made->outputs[0]) != step) return r.no(step, "its output's gradient is used elsewhere");
  if (clips(clamp_of(made->operation))) return r.no(step, "its output's gradient is still to be masked");
  if (made->operation.attribute("training") == 0) return r.no(step, "the batch norm's statistics are constants");
  const Value w = step->inputs[dy_at + 1];
  const Shape& x_shape = g.shape(step->inputs[0]);
  const Conv2dOptions options = conv_options(step->operation);
  const ConvProblem p = conv_problem(x_shape, g.shape(w), options);
  const Source x = normalises ? Source{Source::Kind::normalised, normalised_clamp_of(step->operation)} : Source{};
  const Kernel kernel = both_gradients(p, options, is_depthwise(p), x, {Source::Kind::gradient, {}});

  Step more{step->operation, {}, step->outputs};
  more.inputs.assign(step->inputs.begin(), step->inputs.begin() + static_cast<std::ptrdiff_t>(dy_at));
  more.inputs.insert(more.inputs.end(), made->inputs.begin(), made->inputs.end());
  more.inputs.insert(more.inputs.end(), step->inputs.begin() + static_cast<std::ptrdiff_t>(dy_at) + 1,
                     step->inputs.end());
  const Additions additions{.statistics = false,
                            .gradient_sums = takes_sums(*step),
                            .clamp = takes_sums(*step) ? clamp_of(step->operation) : no_clamp};
  more.operation = storing_operation(kernel, additions);
  if (before_of(*step) != no_value) more.operation.may_overwrite = static_cast<int>(kernel->inputs);
  more.kernel = kernel;
  r.put(step, more, {step, made});
  g.remove(step);
  g.remove(made);
  return true;
}

}  // namespace

void gradient_on_read(Rewrite& rewrite) {
  for (const Step* step : steps_named(rewrite.graph, "conv2d_gradients")) replace(rewrite, step);
}

}  // namespace weft
