// Draws the figures of docs/plan.md: draw_plans FOLDER writes, for each rule, the graph before and after it as
// FOLDER/RULE.dot, and pictures of memory as FOLDER/arena_*.svg. Error where a rule did not apply to its network.
// docs/figures/draw.sh makes SVG of all.

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <set>

#include "core/atomic_file.h"
#include "docs/examples/classic_unet.h"
#include "docs/examples/example.h"
#include "core/plan/plan.h"

namespace {

using namespace weft;
using namespace weft::example;

using Names = std::map<const void*, std::string>;

/// A network to draw, with the names of its tensors.
struct Drawn {
  std::string name;  // of the file
  std::string rule;  // empty: the graph as captured, and as planned
  bool trains;
  Plan::Function f;
  std::vector<Shape> inputs;
};

// ---- graphs ----

std::string attributes_of(const Operation& operation) {
  std::string text;
  for (const auto& [name, value] : operation.attributes) {
    const std::string key = name;
    const bool is_default = (key == "stride" && value == 1) || (key == "dilation" && value == 1) ||
                            (key == "groups" && value == 1) || (key == "lower" && value == -INFINITY) ||
                            (key == "upper" && value == INFINITY) || key == "epsilon" || key == "momentum";
    if (!is_default) text += fmt::format("{}{} {:g}", text.empty() ? "\\n" : ", ", key, value);
  }
  return text;
}

/// One graph as a cluster of a drawing. `filled`: the steps that the drawing is about.
std::string cluster(const Graph& g, const std::string& id, const std::string& title, const Names& names,
                    const std::set<const Step*>& filled, const std::string& colour) {
  std::string text = fmt::format("  subgraph cluster_{} {{\n    label=\"{}\"; color=\"#cccccc\";\n", id, title);
  for (std::size_t i = 0; i < g.inputs().size(); ++i) {
    const Value v = g.inputs()[i];
    if (g.uses(v) > 0) text += fmt::format("    {}i{} [label=\"input {}\", shape=ellipse];\n", id, v, g.shape(v));
  }
  std::map<const Step*, std::size_t> numbers;
  for (const Step& step : g.steps()) {
    const std::size_t number = numbers.size();
    numbers[&step] = number;
    std::string label = step.operation.name + attributes_of(step.operation);
    if (!step.outputs.empty()) label += "\\n" + g.shape(step.outputs[0]).to_string();
    text += fmt::format("    {}s{} [label=\"{}\"{}];\n", id, number, label,
                        filled.contains(&step) ? ", style=filled, fillcolor=\"" + colour + "\"" : "");
    std::set<const Step*> sources;  // one arrow for each, however many of its outputs are read
    for (const Value v : step.inputs) {
      if (v == no_value) continue;
      if (const Step* source = g.maker(v)) {
        if (!sources.insert(source).second) continue;
        text += fmt::format("    {}s{} -> {}s{};\n", id, numbers.at(source), id, number);
      } else if (!g.is_fixed(v)) {
        text += fmt::format("    {}i{} -> {}s{};\n", id, v, id, number);
      } else {
        const auto found = names.find(g.fixed(v).identity());
        text += fmt::format("    {}p{}_{} [label=\"{}\", shape=plain, fontcolor=\"#777777\"];\n", id, v, number,
                            found == names.end() ? "computed once" : found->second);
        text += fmt::format("    {}p{}_{} -> {}s{} [color=\"#bbbbbb\"];\n", id, v, number, id, number);
      }
    }
  }
  for (std::size_t i = 0; i < g.outputs().size(); ++i) {
    const Value v = g.outputs()[i];
    if (g.maker(v) == nullptr) continue;
    text += fmt::format("    {}o{} [label=\"{}\", shape=ellipse];\n", id, v, i == 0 ? "result" : "gradient");
    text += fmt::format("    {}s{} -> {}o{};\n", id, numbers.at(g.maker(v)), id, v);
  }
  return text + "  }\n";
}

/// The steps of `g` that `other` has not.
std::set<const Step*> not_in(const Graph& other, const Graph& g) {
  std::set<const Step*> found;
  for (const Step& step : g.steps()) {
    const bool is_there = std::any_of(other.steps().begin(), other.steps().end(), [&](const Step& s) {
      return std::string_view(s.operation.name) == step.operation.name && s.outputs == step.outputs &&
             s.inputs == step.inputs;
    });
    if (!is_there) found.insert(&step);
  }
  return found;
}

/// All rules but the first `count`.
std::vector<std::string> rules_from(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = count; i < plan_rules().size(); ++i) names.emplace_back(plan_rules()[i].name);
  return names;
}

Plan plan_of(const Drawn& drawn, const std::vector<std::string>& without) {
  const PlanOptions options{.without = without};
  return drawn.trains ? Plan::training(drawn.f, drawn.inputs, options)
                      : Plan::inference(drawn.f, drawn.inputs, options);
}

bool was_applied(const Graph& g, const std::string& rule) {
  return std::any_of(g.steps().begin(), g.steps().end(), [&](const Step& step) {
    return std::find(step.rules.begin(), step.rules.end(), rule) != step.rules.end();
  });
}

std::string drawing_of(const Drawn& drawn, const Names& names) {
  std::size_t before = 0, after = plan_rules().size();
  if (!drawn.rule.empty()) {
    while (before < after && plan_rules()[before].name != drawn.rule) ++before;
    WEFT_CHECK(before < after, "there is no rule {}", drawn.rule);
    after = before + 1;
  }
  const Plan first = plan_of(drawn, drawn.rule.empty() ? std::vector<std::string>{"all"} : rules_from(before));
  const Plan second = plan_of(drawn, rules_from(after));
  const Graph &a = first.graph(), &b = second.graph();
  const bool moves_only = a.steps().size() == b.steps().size();
  WEFT_CHECK(drawn.rule.empty() || moves_only || was_applied(b, drawn.rule), "{} did not apply to its figure's network",
             drawn.rule);
  return "digraph plan {\n  node [shape=box, fontname=\"sans-serif\", fontsize=10];\n"
         "  graph [fontname=\"sans-serif\", fontsize=11, nodesep=0.2, ranksep=0.3];\n" +
         cluster(a, "a", drawn.rule.empty() ? "as captured" : "before " + drawn.rule, names, not_in(b, a), "#f6e3db") +
         cluster(b, "b", drawn.rule.empty() ? "planned" : "after", names, not_in(a, b), "#dbe9f6") + "}\n";
}

// ---- memory ----

/// Each value as a rectangle: from the step that computes it to its last reader, at its place in the arena.
std::string arena_picture(const Plan& plan) {
  const Graph& g = plan.graph();
  std::map<const Step*, int> numbers;
  for (const Step& step : g.steps()) numbers.emplace(&step, static_cast<int>(numbers.size()));
  const int steps = static_cast<int>(numbers.size());
  const Step* loss = g.maker(g.outputs()[0]);
  std::set<std::string_view> forward;  // operations of the forward pass
  for (const Step& step : g.steps()) {
    if (numbers.at(&step) < numbers.at(loss)) forward.insert(step.operation.name);
  }
  constexpr double width = 760, height = 300, left = 60, top = 12;
  const double scale_x = width / steps, scale_y = height / static_cast<double>(plan.arena_bytes());
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" font-family=\"sans-serif\" "
      "font-size=\"11\">\n<rect x=\"{2}\" y=\"{3}\" width=\"{4}\" height=\"{5}\" fill=\"#f7f7f7\" stroke=\"#999\"/>\n",
      left + width + 12, top + height + 40, left, top, width, height);
  std::vector<Value> values;  // in order of the steps
  for (const Step& step : g.steps()) values.insert(values.end(), step.outputs.begin(), step.outputs.end());
  std::set<Value> again;  // computed again
  for (const Value v : values) {
    const Step* maker = g.maker(v);
    if (plan.offset(v) < 0) continue;
    const int first = numbers.at(maker);
    const Step* reader = g.last_reader(v);
    const int last = g.is_output(v) ? steps - 1 : reader != nullptr ? numbers.at(reader) : first;
    const double bytes = static_cast<double>(g.type(v).bytes());
    const bool is_late = first > numbers.at(loss);
    const std::string_view name = maker->operation.name;
    // The forward pass's operation on the forward pass's values, behind the loss.
    const bool is_again =
        is_late && forward.contains(name) && std::none_of(maker->inputs.begin(), maker->inputs.end(), [&](Value in) {
          const Step* source = in == no_value ? nullptr : g.maker(in);
          return source != nullptr && numbers.at(source) > numbers.at(loss) && !again.contains(in);
        });
    if (is_again) again.insert(v);
    text += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.2f}\" fill=\"{}\" stroke=\"#555\" "
        "stroke-width=\"0.4\"><title>{} {}</title></rect>\n",
        left + scale_x * first, top + height - scale_y * (static_cast<double>(plan.offset(v)) + bytes),
        scale_x * (last - first + 1), scale_y * bytes,
        is_again  ? "#b7d8a8"
        : is_late ? "#f0b98d"
                  : "#9dc3e6",
        name, g.shape(v));
  }
  const double mb = static_cast<double>(plan.arena_bytes()) / 1048576.0;
  text += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{:.1f} MB</text>\n", left - 6, top + 10, mb);
  text += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">0</text>\n", left - 6, top + height);
  text += fmt::format(
      "<text x=\"{}\" y=\"{}\">steps 1 to {}: each box is a value, from the step that computes it to its last "
      "reader</text>\n",
      left, top + height + 16, steps);
  text += fmt::format("<text x=\"{}\" y=\"{}\">blue: forward pass, orange: gradients, green: computed again</text>\n",
                      left, top + height + 32);
  return text + "</svg>\n";
}

// ---- the networks ----

struct Norm {
  Tensor gamma, beta, mean, var;
  explicit Norm(std::int64_t channels)
      : gamma(Tensor::full({channels}, 1)),
        beta(Tensor::zeros({channels})),
        mean(Tensor::zeros({channels})),
        var(Tensor::full({channels}, 1)) {
    gamma.set_requires_grad(true);
    beta.set_requires_grad(true);
  }
  Tensor operator()(const Tensor& x, bool training) const {
    return batch_norm(x, gamma, beta, mean, var, {.training = training});
  }
  void name(Names& names, const std::string& suffix) const {
    names[gamma.identity()] = "gamma" + suffix;
    names[beta.identity()] = "beta" + suffix;
    names[mean.identity()] = "mean" + suffix;
    names[var.identity()] = "var" + suffix;
  }
};

Tensor filters(Names& names, const std::string& name, const Shape& shape) {
  const Tensor w = noise(shape, 1).set_requires_grad(true);
  names[w.identity()] = name;
  return w;
}

void draw_rules(const std::filesystem::path& folder) {
  Names names;
  const Norm n1(16), n2(16), n3(96);
  n1.name(names, ""), n2.name(names, "2"), n3.name(names, "");
  const Tensor w = filters(names, "w", {16, 16, 3, 3}), w2 = filters(names, "w2", {16, 16, 3, 3}),
               w3 = filters(names, "w3", {16, 16, 3, 3}), bias = filters(names, "b", {16}),
               joined = filters(names, "w", {32, 48, 3, 3}), expand = filters(names, "w1", {96, 16, 1, 1}),
               depthwise = filters(names, "w2", {96, 1, 3, 3}), project = filters(names, "w3", {16, 96, 1, 1}),
               pointwise = filters(names, "w2", {16, 16, 1, 1}), below = filters(names, "w0", {32, 32, 1, 1});
  const Conv2dOptions same{.padding = 1};
  const Shape x{1, 64, 64, 16}, small{1, 16, 16, 32}, large{1, 32, 32, 32}, skip{1, 32, 32, 16};

  const auto layer = [&](const Tensors& in) { return relu(n1(conv2d(in[0], w, {}, same), false)); };
  const auto block = [&](const Tensors& in) {
    const Tensor y = relu6(depthwise_conv2d(relu6(conv2d(in[0], expand)), depthwise, {}, same));
    return add(in[0], conv2d(y, project));
  };
  const auto up = [&](const Tensors& in) {
    return conv2d(concat_channels({upsample_nearest2x(in[0]), in[1]}), joined, {}, same);
  };
  const auto layer_loss = [&](const Tensors& in) { return sum(relu(n1(conv2d(in[0], w, {}, same), true))); };
  const auto two_layers = [&](const Tensors& in) {
    const Tensor y = relu(n1(conv2d(in[0], w, {}, same), true));
    return sum(relu(n2(conv2d(y, w2, {}, same), true)));
  };
  const auto two_readers = [&](const Tensors& in) {
    const Tensor y = conv2d(in[0], w, {}, same);
    return sum(add(conv2d(y, w2, {}, same), conv2d(y, w3, {}, same)));
  };
  const auto pointwise_loss = [&](const Tensors& in) {
    const Tensor y = relu(n1(conv2d(in[0], w, {}, same), true));
    return sum(n2(conv2d(y, pointwise), true));
  };
  const auto up_loss = [&](const Tensors& in) {
    const Tensor low = conv2d(in[0], below);
    return sum(conv2d(concat_channels({upsample_nearest2x(low), in[1]}), joined, {}, same));
  };

  const std::vector<Drawn> all = {
      {"layer", "", false, layer, {x}},
      {"layer_training", "", true, layer_loss, {x}},
      {"fold_batch_norm", "fold_batch_norm", false, layer, {x}},
      {"finish_in_convolution",
       "finish_in_convolution",
       false,
       [&](const Tensors& in) { return relu(add(conv2d(in[0], w, bias, same), in[0])); },
       {x}},
      {"upsample_convolution", "upsample_convolution", false, up, {small, skip}},
      {"joined_convolution",
       "joined_convolution",
       false,
       [&](const Tensors& in) { return conv2d(concat_channels({in[0], in[1]}), joined, {}, same); },
       {large, skip}},
      {"inverted_residual", "inverted_residual", false, block, {x}},
      {"pack_filters", "pack_filters", false, [&](const Tensors& in) { return conv2d(in[0], w, bias, same); }, {x}},
      {"convolutions_by_rows",
       "convolutions_by_rows",
       false,
       [&](const Tensors& in) { return conv2d(relu(conv2d(in[0], w, {}, same)), w2, {}, same); },
       {x}},
      {"upsample_convolution_training", "upsample_convolution_training", true, up_loss, {small, skip}},
      {"batch_norm_in_one_pass", "batch_norm_in_one_pass", true, layer_loss, {x}},
      {"normalise_on_read", "normalise_on_read", true, two_layers, {x}},
      {"both_gradients", "both_gradients", true, pointwise_loss, {x}},
      {"statistics_while_storing", "statistics_while_storing", true, layer_loss, {x}},
      {"add_where_it_lies", "add_where_it_lies", true, two_readers, {x}},
      {"sums_while_storing", "sums_while_storing", true, two_layers, {x}},
      {"gradient_on_read", "gradient_on_read", true, pointwise_loss, {x}},
      {"weight_gradient_first", "weight_gradient_first", true, two_layers, {x}},
  };
  for (const Rule& rule : plan_rules()) {
    const bool is_drawn =
        std::any_of(all.begin(), all.end(), [&](const Drawn& drawn) { return drawn.rule == rule.name; });
    WEFT_CHECK(is_drawn, "docs/figures/draw_plans.cpp draws no network for the rule {}", rule.name);
  }
  for (const Drawn& drawn : all) write_file(folder / (drawn.name + ".dot"), drawing_of(drawn, names));
}

void draw_memory(const std::filesystem::path& folder) {
  ClassicUNet network(16, true);
  network.initialise(0);
  const Shape x{1, 128, 128, 3}, mask{1, 128, 128, 1};
  const auto loss = [&](const Tensors& in) { return bce_with_logits(network.forward(in[0]), in[1]); };
  const Plan free = Plan::training(loss, {x, mask});
  write_file(folder / "arena_training.svg", arena_picture(free));
  const Plan tight = Plan::training(loss, {x, mask}, {.memory_bytes = free.peak_bytes() - free.arena_bytes() / 8});
  write_file(folder / "arena_budget.svg", arena_picture(tight));
  network.eval();
  const auto forward = [&](const Tensors& in) { return network.forward(in[0]); };
  write_file(folder / "arena_inference.svg", arena_picture(Plan::inference(forward, {x})));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: draw_plans FOLDER\n");
    return 2;
  }
  return run([&] {
    std::filesystem::create_directories(argv[1]);
    draw_rules(argv[1]);
    draw_memory(argv[1]);
  });
}
