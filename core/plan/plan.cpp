#include "core/plan/plan.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>

#include "core/allocator.h"
#include "core/autograd.h"
#include "core/kernels/isa.h"
#include "core/ops.h"
#include "core/plan/arena.h"
#include "core/plan/recompute.h"

namespace weft {
namespace {

std::vector<TensorType> float_types(const std::vector<Shape>& shapes) {
  std::vector<TensorType> types;
  for (const Shape& shape : shapes) types.push_back({shape, DType::f32});
  return types;
}

constexpr std::int64_t mebibyte = 1024 * 1024;

TensorFunction one_result(const Plan::Function& f) {
  return [f](const Tensors& in) { return Tensors{f(in)}; };
}

}  // namespace

PlanOptions plan_options_from_environment() {
  PlanOptions options;
  const char* text = std::getenv("WEFT_PLAN");
  if (text == nullptr || *text == '\0') return options;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    if (word == "off") {
      options.without.push_back("all");
      continue;
    }
    const auto& rules = plan_rules();
    const bool is_known = word.starts_with('-') && std::any_of(rules.begin(), rules.end(), [&](const Rule& rule) {
                            return word.substr(1) == rule.name;
                          });
    WEFT_CHECK(is_known,
               "[plan] WEFT_PLAN={}: expected 'off', or rules to leave out as in -fold_batch_norm; '{}' is none", text,
               word);
    options.without.push_back(word.substr(1));
  }
  return options;
}

Plan Plan::inference(const Function& f, const std::vector<Shape>& inputs, const PlanOptions& options) {
  return inference(one_result(f), float_types(inputs), options);
}

Plan Plan::training(const Function& f, const std::vector<Shape>& inputs, const PlanOptions& options) {
  return training(one_result(f), float_types(inputs), options);
}

Plan Plan::inference(const TensorFunction& f, const std::vector<TensorType>& inputs, const PlanOptions& options) {
  const NoGrad no_grad;
  Plan plan;
  plan.graph_ = capture(f, inputs);
  plan.results_ = plan.graph_->outputs().size();
  plan.apply_rules(options, false);
  plan.compute_constants(false, options.releases_parameters);
  plan.lay_out(0);
  return plan;
}

Plan Plan::training(const TensorFunction& f, const std::vector<TensorType>& inputs, const PlanOptions& options) {
  Plan plan;
  std::vector<Tensor> parameters;
  std::size_t results = 0;
  const auto step = [&](const Tensors& in) {
    Tensors outputs = f(in);
    WEFT_CHECK(!outputs.empty() && outputs[0].count() == 1,
               "[plan] a training step's first result is its loss, a scalar");
    results = outputs.size();
    const std::shared_ptr<Graph> graph = outputs[0].graph();
    WEFT_CHECK(graph != nullptr, "[plan] the loss does not depend on any input");
    Tensors leaves;
    for (Value v = 0; v < graph->value_count(); ++v) {
      if (!graph->is_fixed(v) || !graph->fixed(v).requires_grad()) continue;
      WEFT_CHECK(graph->fixed(v).node()->is_leaf(),
                 "[plan] {} {} was computed from parameters before the step; compute it within, or detach() it",
                 graph->fixed(v).node()->name, graph->shape(v));
      leaves.push_back(graph->fixed(v));
    }
    const Tensors found = gradients(outputs[0], leaves);
    std::set<Value> taken;  // values that are results already
    for (Tensor& output : outputs) {
      output = output.detach();
      taken.insert(value_of(graph, output));
    }
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      if (!found[i].defined()) continue;
      parameters.push_back(leaves[i]);
      // What is an input, a parameter, or another's gradient too is copied: who changes one gradient changes one.
      const Value v = value_of(graph, found[i]);
      const bool is_own = graph->maker(v) != nullptr && taken.insert(v).second;
      outputs.push_back(is_own ? found[i] : scale(found[i], 1));
    }
    return outputs;
  };
  plan.graph_ = capture(step, inputs);
  plan.results_ = results;
  plan.parameters_ = parameters;
  plan.apply_rules(options, true);
  plan.compute_constants(true, false);
  plan.other_bytes_ = options.other_bytes;
  plan.lay_out(options.memory_bytes);
  return plan;
}

void Plan::apply_rules(const PlanOptions& options, bool is_training) {
  isa_ = kernels::isa_name();
  constants_ = options.constants ? options.constants : std::make_shared<Constants>();
  graph_->remove_unused();
  std::set<std::string> without(options.without.begin(), options.without.end());
  for (const std::string& name : plan_options_from_environment().without) without.insert(name);
  if (without.contains("all")) return;
  std::vector<Rule> rules = options.more_rules;
  rules.insert(rules.end(), plan_rules().begin(), plan_rules().end());
  for (const Rule& rule : rules) {
    if (without.contains(rule.name)) continue;
    Rewrite rewrite(*graph_, rule.name, is_training, options.explains ? &refusals_ : nullptr);
    rule.apply(rewrite);
    graph_->remove_unused();
  }
}

/// Steps whose inputs are all constant run now, and leave the graph.
void Plan::compute_constants(bool is_training, bool releases_parameters) {
  Graph& g = *graph_;
  std::set<Value> constant;  // values that such steps compute
  std::vector<const Step*> steps;
  const auto is_constant = [&](Value v) {
    const bool is_fixed =
        v != no_value && g.is_fixed(v) && !g.is_changed(v) && !(is_training && g.fixed(v).requires_grad());
    return v == no_value || is_fixed || constant.contains(v);
  };
  for (const Step& step : g.steps()) {
    // A result is the caller's to keep, so it is made at each run.
    const bool computes =
        step.operation.changes.empty() && !step.inputs.empty() &&
        std::all_of(step.inputs.begin(), step.inputs.end(), is_constant) &&
        std::none_of(step.outputs.begin(), step.outputs.end(), [&](Value v) { return g.is_output(v); });
    if (!computes) continue;
    constant.insert(step.outputs.begin(), step.outputs.end());
    steps.push_back(&step);
  }
  // Kept is what other steps read; the rest are steps towards it.
  std::set<const Step*> is_constant_step(steps.begin(), steps.end());
  std::vector<std::pair<const Step*, Constant>> kept;
  for (const Step* step : steps) {
    const bool is_needed = std::any_of(step->outputs.begin(), step->outputs.end(), [&](Value v) {
      const auto readers = g.readers(v);
      return std::any_of(readers.begin(), readers.end(), [&](const Step* r) { return !is_constant_step.contains(r); });
    });
    if (is_needed) kept.emplace_back(step, Constant(g, *step));
  }
  // A parameter goes once the last constant that comes from it is there, where no other step reads it.
  std::map<const void*, int> readers_to_come;
  if (releases_parameters) {
    for (const auto& [step, recipe] : kept) {
      for (const Tensor& source : recipe.sources()) ++readers_to_come[source.identity()];
    }
    for (const Step& step : g.steps()) {
      if (is_constant_step.contains(&step)) continue;
      for (const Value v : step.inputs) {
        if (v != no_value && g.is_fixed(v)) ++readers_to_come[g.fixed(v).identity()];
      }
    }
  }
  for (const auto& [step, recipe] : kept) {
    used_constants_.push_back(constants_->get(recipe));
    for (std::size_t i = 0; i < step->outputs.size(); ++i)
      g.set_fixed(step->outputs[i], used_constants_.back()->outputs()[i]);
    if (!releases_parameters) continue;
    for (const Tensor& source : recipe.sources()) {
      if (--readers_to_come[source.identity()] == 0) source.release_numbers();
    }
  }
  for (const Step* step : steps) g.remove(step);
}

/// What a run needs beside the arena: parameters and constants that it reads, its inputs and its results.
std::int64_t Plan::bytes_outside() const {
  const Graph& g = *graph_;
  std::set<Value> outside(g.inputs().begin(), g.inputs().end());
  outside.insert(g.outputs().begin(), g.outputs().begin() + static_cast<std::ptrdiff_t>(results_));
  for (const Step& step : g.steps()) {
    for (const Value v : step.inputs) {
      if (g.is_fixed(v) && g.fixed(v).has_numbers()) outside.insert(v);
    }
  }
  std::int64_t bytes = other_bytes_;
  for (const Value v : outside) bytes += g.type(v).bytes();
  return bytes;
}

void Plan::lay_out(std::int64_t memory_bytes) {
  Graph& g = *graph_;
  const std::vector<Value> results(g.outputs().begin(), g.outputs().begin() + static_cast<std::ptrdiff_t>(results_));
  if (memory_bytes > 0) {
    const std::int64_t others = bytes_outside();
    const std::int64_t taken = recompute_to_fit(g, g.maker(results[0]), results, memory_bytes - others);
    WEFT_CHECK(taken + others <= memory_bytes,
               "[plan] a step needs {} MB at least, where all is computed again that can be; {} MB were given",
               (taken + others + mebibyte - 1) / mebibyte, memory_bytes / mebibyte);
  }
  layout_ = lay_out_arena(g, results);
}

Tensors Plan::run_all(const Tensors& inputs) const {
  const Graph& g = *graph_;
  WEFT_CHECK(inputs.size() == g.inputs().size(), "[plan] expected {} inputs, got {}", g.inputs().size(), inputs.size());
  WEFT_CHECK(isa_ == kernels::isa_name(), "[plan] it was made for {}, the kernels are now {}'s; make it again", isa_,
             kernels::isa_name());
  for (Value v = 0; v < g.value_count(); ++v) {  // first of all, as what is packed of a parameter counts on its shape
    if (!g.is_fixed(v)) continue;
    const Tensor& t = g.fixed(v);
    WEFT_CHECK(type_of(t) == g.type(v), "[plan] a parameter was planned as {} {} and is now {} {}; make the plan again",
               dtype_name(g.dtype(v)), g.shape(v), dtype_name(t.dtype()), t.shape());
  }
  constants_->refresh(used_constants_);

  for (const Tensor& parameter : parameters_) parameter.zero_grad();  // they lie in the last run's arena, which goes

  std::vector<Tensor> tensors(static_cast<std::size_t>(g.value_count()));
  const auto at = [&](Value v) -> Tensor& { return tensors[static_cast<std::size_t>(v)]; };
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Value v = g.inputs()[i];
    WEFT_CHECK(type_of(inputs[i]) == g.type(v), "[plan] input {} was planned as {} {}, got {} {}", i,
               dtype_name(g.dtype(v)), g.shape(v), dtype_name(inputs[i].dtype()), inputs[i].shape());
    at(v) = inputs[i].detach();
  }
  const Tensor arena = Tensor::empty({arena_bytes()}, DType::u8);
  for (Value v = 0; v < g.value_count(); ++v) {
    if (g.is_fixed(v)) {
      at(v) = g.fixed(v);
    } else if (offset(v) >= 0) {
      at(v) = arena.part(offset(v), g.shape(v), g.dtype(v));
    }
  }
  for (std::size_t i = 0; i < g.outputs().size(); ++i) {
    const Value v = g.outputs()[i];
    if (at(v).defined()) continue;  // an input, a parameter, or the same as another output
    at(v) = Tensor::empty(g.shape(v), g.dtype(v));
  }

  Tensors in, out;
  char* const memory = static_cast<char*>(const_cast<void*>(arena.raw_data()));
  auto gap = layout_.gaps.begin();
  for (const Step& step : g.steps()) {
    const LentMemory scratch(memory + gap->offset, static_cast<std::size_t>(gap->bytes));
    ++gap;
    in.clear(), out.clear();
    for (const Value v : step.inputs) in.push_back(v == no_value ? Tensor() : at(v));
    for (const Value v : step.outputs) out.push_back(at(v));
    run_operation(step.operation, in, out);
  }

  Tensors results;
  for (std::size_t i = 0; i < g.outputs().size(); ++i) {
    const Tensor& value = at(g.outputs()[i]);
    if (i < results_) {
      results.push_back(value);
    } else {
      parameters_[i - results_].set_grad(value);
    }
  }
  return results;
}

}  // namespace weft
