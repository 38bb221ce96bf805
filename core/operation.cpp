#include "core/operation.h"

#include "core/graph.h"

namespace weft {
namespace {

const Attribute* find(const Operation& operation, std::string_view name) {
  for (const Attribute& attribute : operation.attributes) {
    if (attribute.name == name) return &attribute;
  }
  return nullptr;
}

/// The graph that is being captured, or that the inputs without numbers belong to; null where the operation is to run.
std::shared_ptr<Graph> graph_of(const Operation& operation, const Tensors& inputs) {
  std::shared_ptr<Graph> graph = graph_being_captured();
  for (const Tensor& input : inputs) {
    if (!input.defined() || input.graph() == nullptr) continue;
    WEFT_CHECK(graph == nullptr || graph == input.graph(), "[{}] its inputs belong to different captures",
               operation.name);
    graph = input.graph();
  }
  return graph;
}

}  // namespace

double Operation::attribute(std::string_view attribute_name) const {
  const Attribute* found = find(*this, attribute_name);
  WEFT_CHECK(found != nullptr, "[{}] the operation has no attribute '{}'", name, attribute_name);
  return found->value;
}

bool Operation::has(std::string_view attribute_name) const { return find(*this, attribute_name) != nullptr; }

Tensors apply(const Operation& operation, const Tensors& inputs, const std::vector<TensorType>& types) {
  if (const auto graph = graph_of(operation, inputs)) return write_down(graph, operation, inputs, types);
  Tensors outputs;
  outputs.reserve(types.size());
  for (const TensorType& type : types) outputs.push_back(Tensor::empty(type.shape, type.dtype));
  run_operation(operation, inputs, outputs);
  return outputs;
}

Tensor apply(const Operation& operation, const Tensors& inputs, const TensorType& output) {
  return apply(operation, inputs, std::vector{output})[0];
}

ProfileEntry describe_operation(const Operation& operation, const Tensors& inputs, const Tensors& outputs) {
  ProfileEntry entry;
  entry.op = operation.name;
  for (const Tensors* tensors : {&inputs, &outputs}) {
    for (const Tensor& t : *tensors) entry.bytes += t.defined() ? t.bytes() : 0;
  }
  const Tensors& named = outputs.empty() ? inputs : outputs;
  if (!named.empty() && named[0].defined()) entry.shapes = named[0].shape().to_string();
  if (operation.describe) operation.describe(inputs, outputs, entry);
  return entry;
}

void run_operation(const Operation& operation, const Tensors& inputs, const Tensors& outputs) {
  const ProfileScope scope([&](ProfileEntry& entry) { entry = describe_operation(operation, inputs, outputs); });
  operation.run(inputs, outputs);
}

}  // namespace weft
