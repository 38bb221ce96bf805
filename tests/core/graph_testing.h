#pragma once
// What the tests of graphs and plans share.

#include "core/graph.h"
#include "tests/gradcheck.h"

namespace weft::test {

/// What capture() takes, beside gradcheck.h's functions of one result.
using GraphFunction = weft::TensorFunction;

/// The names of a graph's operations, in order.
inline std::vector<std::string> names_of(const Graph& graph) {
  std::vector<std::string> names;
  for (const Step& step : graph.steps()) names.emplace_back(step.operation.name);
  return names;
}
using Names = std::vector<std::string>;

inline int count_of(const Graph& graph, const std::string& name) {
  const Names names = names_of(graph);
  return static_cast<int>(std::count(names.begin(), names.end(), name));
}

/// The graph's outputs, each value in a buffer of its own: what a plan is held against where memory is in question.
inline Tensors run_graph(const Graph& graph, const Tensors& inputs) {
  std::vector<Tensor> values(static_cast<std::size_t>(graph.value_count()));
  const auto at = [&](Value v) -> Tensor& { return values[static_cast<std::size_t>(v)]; };
  for (Value v = 0; v < graph.value_count(); ++v) {
    if (graph.is_fixed(v)) at(v) = graph.fixed(v);
  }
  REQUIRE(inputs.size() == graph.inputs().size());
  for (std::size_t i = 0; i < inputs.size(); ++i) at(graph.inputs()[i]) = inputs[i];
  for (const Step& step : graph.steps()) {
    Tensors in, out;
    for (const Value v : step.inputs) in.push_back(v == no_value ? Tensor() : at(v));
    for (const Value v : step.outputs) out.push_back(at(v) = Tensor::empty(graph.shape(v), graph.dtype(v)));
    run_operation(step.operation, in, out);
  }
  Tensors outputs;
  for (const Value v : graph.outputs()) outputs.push_back(at(v));
  return outputs;
}

inline TensorType floats(const Shape& shape) { return {shape, DType::f32}; }

}  // namespace weft::test
