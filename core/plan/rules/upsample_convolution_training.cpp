// The same as upsample_convolution.cpp where the weights are learned: with j = concat_channels(upsample_nearest2x(x),
// skip),
//
//   y  = conv2d(j, w)                                       ->  upsample_conv2d(x, skip, w)
//   dw = conv2d_weight_gradient(j, dy)                      ->  upsample_conv2d_weight_gradient(x, skip, dy)
//   dj = conv2d_input_gradient(dy, w), split by channels:
//   dx = upsample_nearest2x_gradient(dj's first channels)   ->  upsample_conv2d_input_gradient(dy, w)
//   dskip = dj's other channels                             ->  upsample_conv2d_skip_gradient(dy, w)
//
// Neither j, nor what is upsampled, nor the gradient of either is stored. Equal up to rounding, within 2e-5 of the
// ranges (core/kernels/conv_upsample.h). `skip` may be missing, and its gradient unwanted. Applies where all of these
// are there and nobody else reads what is left out.

#include "core/plan/convolution.h"
#include "core/plan/rules/rules.h"
#include "core/plan/training_kernels.h"

namespace weft {
namespace {

using kernels::UpsampleConvProblem;

struct Pattern {
  const Step *conv = nullptr, *joined = nullptr, *up = nullptr;  // joined: null without a skip
  const Step *weight = nullptr, *input = nullptr, *split = nullptr, *up_gradient = nullptr;
  Value dskip = no_value;
  const char* missing = nullptr;  // why it is none
};

bool find_input_gradient(const Graph& g, Pattern& p) {
  if (p.weight != nullptr) p.input = input_gradient_beside(g, *p.weight, p.conv->inputs[1]);
  if (p.input == nullptr) return true;
  Value dup = p.input->outputs[0];
  if (p.joined != nullptr) {
    p.split = g.only_reader(dup);
    if (!is_named(p.split, "split_channels")) return false;
    dup = no_value;
    const auto& parts = p.split->operation.attributes;
    // Another image of as many channels may be convolved by the same filters, and joined of other parts.
    if (parts.size() != 2 || parts[0].value != static_cast<double>(g.shape(p.up->inputs[0])[3])) return false;
    std::size_t next = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (std::string_view(parts[i].name) != "part") continue;
      (i == 0 ? dup : p.dskip) = p.split->outputs[next++];
    }
  }
  if (dup == no_value) return true;
  p.up_gradient = g.only_reader(dup);
  return is_named(p.up_gradient, "upsample_nearest2x_gradient");
}

bool replace(Rewrite& r, const Step* step) {
  Graph& g = r.graph;
  const ConvolutionStep conv = convolution_of(r, step);
  if (!conv) return false;
  const ConvProblem& c = conv.problem;
  Pattern p{.conv = step};
  const Step* before = g.maker(conv.x());
  if (is_named(before, "concat_channels") && before->inputs.size() == 2) p.joined = before;
  p.up = p.joined != nullptr ? g.maker(before->inputs[0]) : before;
  if (!is_named(p.up, "upsample_nearest2x")) return false;
  if (!has_upsampled_form(c)) return r.no(step, "it is no 3x3 convolution with stride 1 and padding 1");
  if (conv.bias() != no_value || conv.residual() != no_value || clips(conv.clamp)) return r.no(step, "it has a bias");
  for (const Step* reader : g.readers(conv.x())) {
    if (is_named(reader, "conv2d_weight_gradient") && reader->inputs[0] == conv.x()) p.weight = reader;
  }
  if (g.uses(conv.x()) != (p.weight != nullptr ? 2 : 1)) return r.no(step, "the image that it reads is used elsewhere");
  if (p.joined != nullptr && g.only_reader(p.up->outputs[0]) != p.joined)
    return r.no(step, "the upsampled image is used elsewhere");
  if (!find_input_gradient(g, p)) return r.no(step, "its input's gradient is used elsewhere");
  const Value x = p.up->inputs[0], skip = p.joined != nullptr ? p.joined->inputs[1] : no_value;
  const UpsampleConvProblem problem = upsample_problem(g.shape(x), c);
  if (!kernels::upsample_conv_is_preferred(problem))
    return r.no(step, "another algorithm than Winograd's is faster for it");

  r.put(step, storing_step(upsample_conv2d_kernel(problem), {x, skip, conv.weight()}, step->outputs), {step});
  if (p.weight != nullptr) {
    r.put(p.weight, {upsample_weight_gradient(problem), {x, skip, p.weight->inputs[1]}, p.weight->outputs}, {p.weight});
  }
  if (p.input != nullptr) {
    const std::vector<Value> from{p.input->inputs[0], p.input->inputs[1]};
    if (p.up_gradient != nullptr)
      r.put(p.up_gradient, storing_step(upsample_input_gradient_kernel(problem), from, p.up_gradient->outputs),
            {p.input, p.up_gradient});
    if (p.dskip != no_value)
      r.put(p.split, storing_step(upsample_skip_gradient_kernel(problem), from, {p.dskip}), {p.input, p.split});
  }
  for (const Step* old : {p.up_gradient, p.split, p.input, p.weight, step, p.joined, p.up}) {
    if (old != nullptr) g.remove(old);
  }
  return true;
}

}  // namespace

void upsample_convolution_training(Rewrite& rewrite) {
  for (const Step* conv : steps_named(rewrite.graph, "conv2d")) replace(rewrite, conv);
}

}  // namespace weft
