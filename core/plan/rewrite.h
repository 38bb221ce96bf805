#pragma once
// What a rule of a plan works with: the graph, and a record of what the rule did and why it did not do more.
//
// A rule is a function that looks for its pattern all over the graph and replaces it by fewer or faster steps. It asks
// for each attribute that it relies on; what it does not know it leaves alone, and such steps run as they stand.

#include <algorithm>
#include <string>
#include <vector>

#include "core/graph.h"

namespace weft {

/// A place where a rule looked closer and did not apply.
struct Refusal {
  std::string rule, step, reason;
};

class Rewrite {
 public:
  /// Refusals go to `refusals`, where that is not null.
  Rewrite(Graph& graph_, std::string rule_, bool is_training_, std::vector<Refusal>* refusals)
      : graph(graph_), rule(std::move(rule_)), is_training(is_training_), refusals_(refusals) {}

  Graph& graph;
  const std::string rule;
  const bool is_training;  // parameters that require a gradient change from run to run

  /// Puts `step` where `place` stands, signed with the rule's name and those of the steps that it replaces. These are
  /// the caller's to remove.
  const Step* put(const Step* place, Step step, std::initializer_list<const Step*> replaced) {
    for (const Step* old : replaced) {
      if (old == nullptr) continue;
      for (const std::string& name : old->rules) sign(step, name);
    }
    sign(step, rule);
    return graph.insert(place, std::move(step));
  }

  /// Says why the rule leaves `step` alone. Always false, for `return rewrite.no(...)`.
  bool no(const Step* step, const std::string& reason) {
    if (refusals_ != nullptr) refusals_->push_back({rule, graph.step_text(*step), reason});
    return false;
  }

  /// True where a value is the same at each run, as long as nobody writes to the tensors outside.
  bool is_constant(Value value) const {
    if (value == no_value) return true;
    if (graph.is_fixed(value)) return !(is_training && graph.fixed(value).requires_grad()) && !graph.is_changed(value);
    const Step* maker = graph.maker(value);
    return maker != nullptr && maker->operation.changes.empty() && !maker->inputs.empty() &&
           std::all_of(maker->inputs.begin(), maker->inputs.end(), [&](Value v) { return is_constant(v); });
  }

  /// True where a value is a float32 tensor.
  bool is_float(Value value) const { return value != no_value && graph.dtype(value) == DType::f32; }

 private:
  static void sign(Step& step, const std::string& name) {
    if (std::find(step.rules.begin(), step.rules.end(), name) == step.rules.end()) step.rules.push_back(name);
  }
  std::vector<Refusal>* const refusals_;
};

struct Rule {
  const char* name;
  const char* summary;  // pattern and replacement, in a line
  void (*apply)(Rewrite& rewrite);
};

/// In the order in which a plan applies them. core/plan/rules/NAME.cpp holds each with its proof.
const std::vector<Rule>& plan_rules();

/// All steps of that name, in order: rules change the graph as they go through them.
inline std::vector<const Step*> steps_named(const Graph& graph, std::string_view name) {
  std::vector<const Step*> found;
  for (const Step& step : graph.steps()) {
    if (step.operation.name == name) found.push_back(&step);
  }
  return found;
}

inline bool is_named(const Step* step, std::string_view name) {
  return step != nullptr && step->operation.name == name;
}

}  // namespace weft
