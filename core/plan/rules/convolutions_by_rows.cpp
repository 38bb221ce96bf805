// conv2d(conv2d(conv2d(x, w1), w2), w3)  =  convolutions_by_rows(x, w1, w2, w3)
//
// The end of a network, at full resolution with few channels: each row goes through all of the convolutions while it is
// in the caches, so the images between are never stored (core/kernels/conv_chain.h). The same sums and bits. The first
// may be an upsample_conv2d without a skip. Applies to packed float32 convolutions of which each reads only the one
// before. Whether the pass by rows pays depends on how many threads share the picture, which is known when it runs:
// else they run one after the other. Gains writing and reading those images: 17 MB each for 16 channels of 512 x 512.

#include "core/kernels/conv_chain.h"
#include "core/kernels/conv_upsample.h"
#include "core/plan/convolution.h"
#include "core/plan/rules/rules.h"

namespace weft {
namespace {

using kernels::ConvStep;

/// One convolution without the pointers of its filters and bias.
struct Link {
  const Step* step;
  ConvStep conv;  // algorithm, problem and clamp
};

void run_alone(const ConvStep& s, const float* x, float* y) {
  const kernels::ConvEpilogue<float> epilogue{.bias = s.bias, .clamp = s.clamp};
  if (s.algorithm != nullptr) return s.algorithm->forward(s.problem, x, s.packed, epilogue, y);
  kernels::upsample_conv_forward(kernels::UpsampleConvProblem::of_joined(s.problem), x, nullptr, s.packed, epilogue, y);
}

/// The last of the steps' output, by rows where that pays, the steps before it in turn.
void run_chain(std::span<const ConvStep> steps, const float* x, float* y) {
  Tensor between;
  while (!kernels::conv_chain_supports(steps)) {
    if (steps.size() == 1) return run_alone(steps[0], x, y);
    const ConvProblem& p = steps[0].problem;
    const Tensor next = Tensor::empty({p.n, p.out_h(), p.out_w(), p.c_out});
    run_alone(steps[0], x, next.mutable_data<float>());
    between = next;
    x = next.data<float>();
    steps = steps.subspan(1);
  }
  kernels::conv_chain_forward(steps, x, y);
}

/// Inputs: x, then filters and bias of each.
Operation by_rows(std::vector<ConvStep> chain) {
  const auto run = [chain](const Tensors& in, const Tensors& out) {
    std::vector<ConvStep> steps = chain;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      steps[i].packed = in[1 + 2 * i].data<float>();
      steps[i].bias = floats_or_null(in[2 + 2 * i]);
    }
    run_chain(steps, in[0].data<float>(), out[0].mutable_data<float>());
  };
  const auto describe = [chain](const Tensors&, const Tensors&, ProfileEntry& entry) {
    std::string channels = fmt::format("{}", chain[0].problem.c_in);
    for (const ConvStep& s : chain) {
      const ConvProblem& p = s.problem;
      entry.macs += p.output_count() * p.c_in * p.kernel_h * p.kernel_w;
      channels += fmt::format(" -> {}", p.c_out);
    }
    const ConvProblem& p = chain.back().problem;
    entry.shapes = fmt::format("[{}, {}, {}, {}], 3x3", p.n, p.out_h(), p.out_w(), channels);
    entry.algorithm = kernels::conv_chain_supports(chain) ? "rows" : "in turn";
  };
  return {.name = "convolutions_by_rows", .run = run, .describe = describe};
}

ConvStep conv_step_of(const Graph& g, const Step* step) {
  if (is_named(step, "conv2d_packed") && step->inputs[3] == no_value) {
    const Shape& x = g.shape(step->inputs[0]);
    const Shape& y = g.shape(step->outputs[0]);
    const Conv2dOptions o = conv_options(step->operation);
    if (o.stride != 1 || o.padding != 1 || o.dilation != 1 || o.groups != 1 || x[1] != y[1] || x[2] != y[2]) return {};
    const ConvProblem p = conv_problem(x, {y[3], x[3], 3, 3}, o);
    return {&kernels::choose_conv(p), p, nullptr, nullptr, clamp_of(step->operation)};
  }
  if (is_named(step, "upsample_conv2d") && step->inputs[1] == no_value) {
    const Shape& x = g.shape(step->inputs[0]);
    const ConvProblem p =
        kernels::UpsampleConvProblem{
            .n = x[0], .h = x[1], .w = x[2], .c_up = x[3], .c_skip = 0, .c_out = g.shape(step->outputs[0])[3]}
            .joined();
    return {nullptr, p, nullptr, nullptr, clamp_of(step->operation)};
  }
  return {};
}

bool is_a_link(const ConvStep& s) { return s.problem.c_in > 0 && s.problem.kernel_h == 3; }

bool replace(Rewrite& r, const Step* last) {
  Graph& g = r.graph;
  std::vector<Link> links;
  for (const Step* step = last; step != nullptr;) {
    const ConvStep conv = conv_step_of(g, step);
    if (!is_a_link(conv)) break;
    links.insert(links.begin(), {step, conv});
    if (conv.algorithm == nullptr || links.size() == 3) break;  // upsampling is the first of them
    const Value x = step->inputs[0];
    step = g.only_reader(x) == step ? g.maker(x) : nullptr;
  }
  std::vector<ConvStep> chain;
  for (const Link& link : links) chain.push_back(link.conv);
  // As many as any number of threads would take in one pass.
  while (chain.size() > 1 && !kernels::conv_chain_fits(chain)) {
    chain.erase(chain.begin());
    links.erase(links.begin());
  }
  if (chain.size() < 2) return r.no(last, "no convolution before it whose rows it could take over");
  std::vector<Value> inputs{links[0].step->inputs[0]};
  for (const Link& link : links) {
    const bool upsamples = link.conv.algorithm == nullptr;
    inputs.push_back(link.step->inputs[upsamples ? 2 : 1]);
    inputs.push_back(link.step->inputs[upsamples ? 3 : 2]);
  }
  Step joined{by_rows(chain), inputs, last->outputs};
  for (const Link& link : links)
    joined.rules.insert(joined.rules.end(), link.step->rules.begin(), link.step->rules.end());
  r.put(last, joined, {});
  for (const Link& link : links) g.remove(link.step);
  return true;
}

}  // namespace

void convolutions_by_rows(Rewrite& rewrite) {
  // Only results: deeper in a network images have more channels, and fewer rows.
  for (const Value v : std::vector<Value>(rewrite.graph.outputs())) {
    const Step* last = rewrite.graph.maker(v);
    if (is_named(last, "conv2d_packed")) replace(rewrite, last);
  }
}

}  // namespace weft
