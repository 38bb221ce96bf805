#include "core/graph.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace weft {

Value Graph::add_value(const TensorType& type) {
  values_.push_back({type});
  return value_count() - 1;
}

Value Graph::add_input(const TensorType& type) {
  inputs_.push_back(add_value(type));
  return inputs_.back();
}

void Graph::set_fixed(Value value, const Tensor& tensor) { values_[index(value)].fixed = tensor; }

Value Graph::add_fixed(const Tensor& tensor) {
  for (Value value = 0; value < value_count(); ++value) {
    const Tensor& known = fixed(value);
    const bool is_same = known.defined() && (known.identity() == tensor.identity() || known.shares_buffer_with(tensor));
    if (!is_same || type(value) != type_of(tensor)) continue;
    if (tensor.requires_grad() && !known.requires_grad()) set_fixed(value, tensor);  // the other was detached
    return value;
  }
  values_.push_back({type_of(tensor), tensor});
  return value_count() - 1;
}

void Graph::connect(const Step& step) {
  for (const Value value : step.outputs) values_[index(value)].maker = &step;
  for (const Value value : step.inputs) {
    if (value != no_value) values_[index(value)].readers.push_back(&step);
  }
}

void Graph::disconnect(const Step& step) {
  for (const Value value : step.outputs) {
    if (values_[index(value)].maker == &step) values_[index(value)].maker = nullptr;
  }
  for (const Value value : step.inputs) {
    if (value != no_value) std::erase(values_[index(value)].readers, &step);
  }
}

Step& Graph::append(Step step) {
  steps_.push_back(std::move(step));
  Step& added = steps_.back();
  places_[&added] = {std::prev(steps_.end())};
  is_numbered_ = false;
  connect(added);
  return added;
}

Graph::Iterator Graph::place_of(const Step* step) { return step == nullptr ? steps_.end() : places_.at(step).iterator; }

const Step* Graph::insert(const Step* place, Step step) {
  const Iterator added = steps_.insert(place_of(place), std::move(step));
  places_[&*added] = {added};
  is_numbered_ = false;
  connect(*added);
  return &*added;
}

void Graph::remove(const Step* step) {
  const Iterator place = place_of(step);
  disconnect(*step);
  places_.erase(step);
  steps_.erase(place);
}

void Graph::set_input(const Step* step, std::size_t place, Value to) {
  Step& changed = *place_of(step);
  disconnect(changed);
  changed.inputs[place] = to;
  connect(changed);
}

void Graph::replace_uses(Value from, Value to) {
  const std::vector<const Step*> readers = values_[index(from)].readers;
  for (const Step* reader : readers) {
    for (std::size_t i = 0; i < reader->inputs.size(); ++i) {
      if (reader->inputs[i] == from) set_input(reader, i, to);
    }
  }
  std::replace(outputs_.begin(), outputs_.end(), from, to);
}

void Graph::move_before(const Step* place, const Step* step) {
  steps_.splice(place_of(place), steps_, place_of(step));
  is_numbered_ = false;
}

void Graph::remove_unused() {
  for (Iterator step = steps_.end(); step != steps_.begin();) {
    --step;
    const bool is_used = !step->operation.changes.empty() ||
                         std::any_of(step->outputs.begin(), step->outputs.end(), [&](Value v) { return uses(v) > 0; });
    if (is_used) continue;
    const Step* unused = &*step;
    ++step;
    remove(unused);
  }
}

const Step* Graph::maker(Value value) const { return value == no_value ? nullptr : values_[index(value)].maker; }

void Graph::number_steps() const {
  if (is_numbered_) return;
  std::int64_t number = 0;
  for (const Step& step : steps_) places_.at(&step).number = number++;
  is_numbered_ = true;
}

bool Graph::is_before(const Step* a, const Step* b) const {
  number_steps();
  return places_.at(a).number < places_.at(b).number;
}

std::vector<const Step*> Graph::readers(Value value) const {
  if (value == no_value) return {};
  std::vector<const Step*> readers = values_[index(value)].readers;
  std::sort(readers.begin(), readers.end(), [&](const Step* a, const Step* b) { return is_before(a, b); });
  return readers;
}

bool Graph::is_output(Value value) const { return std::count(outputs_.begin(), outputs_.end(), value) > 0; }

int Graph::uses(Value value) const {
  return static_cast<int>(values_[index(value)].readers.size()) + (is_output(value) ? 1 : 0);
}

bool Graph::is_changed(Value value) const {
  const auto& readers = values_[index(value)].readers;
  return std::any_of(readers.begin(), readers.end(), [&](const Step* step) {
    const auto& changes = step->operation.changes;
    return std::any_of(changes.begin(), changes.end(),
                       [&](int i) { return step->inputs[static_cast<std::size_t>(i)] == value; });
  });
}

const Step* Graph::only_reader(Value value) const {
  return uses(value) == 1 && !is_output(value) ? values_[index(value)].readers[0] : nullptr;
}

const Step* Graph::last_reader(Value value) const {
  const auto all = readers(value);
  return all.empty() ? nullptr : all.back();
}

// ---- capture ----

namespace {

thread_local std::shared_ptr<Graph> being_captured;

/// Captures nest where f makes a plan of its own.
class Capturing {
 public:
  explicit Capturing(const std::shared_ptr<Graph>& graph) : outer_(std::exchange(being_captured, graph)) {}
  ~Capturing() { being_captured = std::move(outer_); }
  Capturing(const Capturing&) = delete;
  Capturing& operator=(const Capturing&) = delete;

 private:
  std::shared_ptr<Graph> outer_;
};

}  // namespace

const std::shared_ptr<Graph>& graph_being_captured() { return being_captured; }

Tensor tensor_of(const std::shared_ptr<Graph>& graph, Value value) {
  return Tensor::without_numbers(graph->shape(value), graph->dtype(value), graph, value);
}

Value value_of(const std::shared_ptr<Graph>& graph, const Tensor& tensor) {
  if (!tensor.defined()) return no_value;
  if (tensor.graph() == nullptr) return graph->add_fixed(tensor);
  WEFT_CHECK(tensor.graph() == graph, "[graph] a tensor {} is a value of a different capture", tensor.shape());
  return tensor.graph_value();
}

Tensors write_down(const std::shared_ptr<Graph>& graph, const Operation& operation, const Tensors& inputs,
                   const std::vector<TensorType>& types) {
  Step step{operation, {}, {}};
  for (const Tensor& input : inputs) step.inputs.push_back(value_of(graph, input));
  for (const TensorType& type : types) step.outputs.push_back(graph->add_value(type));
  Tensors outputs;
  for (const Value value : step.outputs) outputs.push_back(tensor_of(graph, value));
  graph->append(std::move(step));
  return outputs;
}

std::shared_ptr<Graph> capture(const TensorFunction& f, const std::vector<TensorType>& types) {
  const auto graph = std::make_shared<Graph>();
  const Capturing capturing(graph);
  Tensors inputs;
  for (const TensorType& type : types) inputs.push_back(tensor_of(graph, graph->add_input(type)));
  for (const Tensor& output : f(inputs)) {
    WEFT_CHECK(output.defined(), "[capture] result {} is undefined", graph->outputs().size());
    graph->add_output(value_of(graph, output));
  }
  return graph;
}

// ---- text ----

ProfileEntry Graph::describe(const Step& step) const {
  const auto tensor = [&](Value v) {
    return v == no_value ? Tensor() : Tensor::without_numbers(shape(v), dtype(v), nullptr, v);
  };
  Tensors in, out;
  for (const Value v : step.inputs) in.push_back(tensor(v));
  for (const Value v : step.outputs) out.push_back(tensor(v));
  return describe_operation(step.operation, in, out);
}

namespace {

std::string number_text(double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return fmt::format("{:g}", value);
}

/// A name between quotes, as Graphviz reads it.
std::string quoted(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return '"' + escaped + '"';
}

std::string attributes_text(const Operation& operation) {
  std::vector<std::string> texts;
  for (const Attribute& attribute : operation.attributes)
    texts.push_back(fmt::format("{} {}", attribute.name, number_text(attribute.value)));
  return fmt::format("{}", fmt::join(texts, ", "));
}

}  // namespace

std::string Graph::value_name(Value value, const std::function<std::string(const Tensor&)>& name_of) const {
  if (value == no_value) return "-";
  if (is_fixed(value)) {
    const std::string name = name_of ? name_of(fixed(value)) : "";
    return name.empty() ? fmt::format("p{}", value) : name;
  }
  return fmt::format("v{}", value);
}

std::string Graph::step_text(const Step& step, const std::function<std::string(const Tensor&)>& name_of) const {
  std::vector<std::string> outputs, inputs;
  for (const Value v : step.outputs) outputs.push_back(fmt::format("v{} {}", v, shape(v)));
  for (const Value v : step.inputs) inputs.push_back(value_name(v, name_of));
  const std::string attributes = attributes_text(step.operation);
  return fmt::format("{} = {}({}{}{})", fmt::join(outputs, ", "), step.operation.name, fmt::join(inputs, ", "),
                     attributes.empty() ? "" : "; ", attributes);
}

std::string Graph::to_string(const std::function<std::string(const Tensor&)>& name_of) const {
  std::string text;
  for (const Step& step : steps_) text += step_text(step, name_of) + "\n";
  return text;
}

std::string Graph::to_dot(const std::function<std::string(const Tensor&)>& name_of) const {
  std::string text = "digraph plan {\n  node [shape=box, fontname=\"sans-serif\", fontsize=10];\n";
  std::map<const Step*, int> numbers;
  for (const Value v : inputs_) text += fmt::format("  i{} [label=\"input {}\", shape=ellipse];\n", v, shape(v));
  for (const Step& step : steps_) {
    const int number = static_cast<int>(numbers.size());
    numbers[&step] = number;
    std::string label = step.operation.name;
    if (!step.outputs.empty()) label += "\\n" + shape(step.outputs[0]).to_string();
    const std::string attributes = attributes_text(step.operation);
    if (!attributes.empty()) label += "\\n" + attributes;
    if (!step.rules.empty()) label += fmt::format("\\nby {}", fmt::join(step.rules, ", "));
    text += fmt::format("  s{} [label=\"{}\"{}];\n", number, label,
                        step.rules.empty() ? "" : ", style=filled, fillcolor=\"#dbe9f6\"");
    for (const Value v : step.inputs) {
      if (v == no_value) continue;
      if (const Step* source = maker(v)) {
        text += fmt::format("  s{} -> s{};\n", numbers.at(source), number);
      } else if (!is_fixed(v)) {
        text += fmt::format("  i{} -> s{};\n", v, number);
      } else if (name_of && !name_of(fixed(v)).empty()) {
        text +=
            fmt::format("  p{} [label={}, shape=plain, fontcolor=\"#777777\"];\n  p{} -> s{} [color=\"#bbbbbb\"];\n", v,
                        quoted(name_of(fixed(v))), v, number);
      }
    }
  }
  for (const Value v : outputs_) {
    text += fmt::format("  o{} [label=\"output {}\", shape=ellipse];\n", v, shape(v));
    if (const Step* source = maker(v)) text += fmt::format("  s{} -> o{};\n", numbers.at(source), v);
    if (std::count(inputs_.begin(), inputs_.end(), v) > 0) text += fmt::format("  i{} -> o{};\n", v, v);
  }
  return text + "}\n";
}

}  // namespace weft
