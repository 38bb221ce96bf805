#pragma once
// What a function of tensors computes, as data: steps in an order that works, each an operation with its inputs and
// outputs by number.
//
// capture(f) runs f once on tensors that have a shape and no numbers. Every operation that f applies to them is written
// down (core/operation.h), those of backward() as well, since gradients are written in operations too: a training step
// is one graph of forward pass, loss and backward pass. Tensors with numbers that f brings in, such as parameters, are
// values of the graph that live outside: the graph keeps the handle, and reads the numbers when it runs. What f applies
// to such tensors alone is written down as well: the next run may find other numbers in them.

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/operation.h"

namespace weft {

using Value = int;
constexpr Value no_value = -1;  // an input that was not given

struct StoringKernel;  // core/plan/storing.h

struct Step {
  Operation operation;
  std::vector<Value> inputs, outputs;
  std::vector<std::string> rules = {};                    // of the plan, that made it
  std::shared_ptr<const StoringKernel> kernel = nullptr;  // for rules that have it do more while it stores
};

class Graph {
 public:
  Graph() = default;
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  using Steps = std::list<Step>;
  using Iterator = Steps::iterator;

  // ---- what it holds ----

  const Steps& steps() const { return steps_; }
  const std::vector<Value>& inputs() const { return inputs_; }
  const std::vector<Value>& outputs() const { return outputs_; }
  int value_count() const { return static_cast<int>(values_.size()); }
  const TensorType& type(Value value) const { return values_[index(value)].type; }
  const Shape& shape(Value value) const { return type(value).shape; }
  DType dtype(Value value) const { return type(value).dtype; }
  /// The tensor with numbers that a value is; undefined where it is computed or given.
  const Tensor& fixed(Value value) const { return values_[index(value)].fixed; }
  bool is_fixed(Value value) const { return value != no_value && fixed(value).defined(); }

  /// The step that computes a value; null for an input, a fixed value, and no_value.
  const Step* maker(Value value) const;
  /// The steps that read it, once for each place in their inputs, in order of the graph.
  std::vector<const Step*> readers(Value value) const;
  /// How many readers it has, and one more where it is an output of the graph.
  int uses(Value value) const;
  /// The only reader; null where there is another use.
  const Step* only_reader(Value value) const;
  bool is_output(Value value) const;
  /// True where a step changes it in place.
  bool is_changed(Value value) const;
  /// True where `a` comes before `b`.
  bool is_before(const Step* a, const Step* b) const;
  /// The last of all readers of a value; null where there is none.
  const Step* last_reader(Value value) const;

  // ---- how it is made and changed ----

  /// An input: a value that is given at each run.
  Value add_input(const TensorType& type);
  /// The value that a tensor with numbers is: the same for handles of the same buffer. fixed() is the handle that
  /// requires a gradient, where one of them does.
  Value add_fixed(const Tensor& tensor);
  /// Makes a value that a step computes one that is known: the step is the caller's to remove.
  void set_fixed(Value value, const Tensor& tensor);
  /// A value that a step to come will compute.
  Value add_value(const TensorType& type);
  void add_output(Value value) { outputs_.push_back(value); }
  /// Appends a step.
  Step& append(Step step);
  /// Puts a step before `place` (null: at the end).
  const Step* insert(const Step* place, Step step);
  void remove(const Step* step);
  /// Makes all readers, and the graph's outputs, use `to` instead of `from`.
  void replace_uses(Value from, Value to);
  /// Makes one input of a step another value.
  void set_input(const Step* step, std::size_t place, Value to);
  /// Moves a step before `place`.
  void move_before(const Step* place, const Step* step);
  /// Removes steps that nobody reads and that change nothing.
  void remove_unused();

  /// What a profile will say of a step, without a time.
  ProfileEntry describe(const Step& step) const;

  /// One line a step: "v12 [1, 256, 256, 32] = conv2d(v3, encoder.features.0.0.weight; stride 2, padding 1)".
  /// `name_of` names the fixed values; without it they are p0, p1, ...
  std::string to_string(const std::function<std::string(const Tensor&)>& name_of = {}) const;
  std::string step_text(const Step& step, const std::function<std::string(const Tensor&)>& name_of = {}) const;
  /// The same as a drawing, in the language of Graphviz.
  std::string to_dot(const std::function<std::string(const Tensor&)>& name_of = {}) const;
  std::string value_name(Value value, const std::function<std::string(const Tensor&)>& name_of = {}) const;

 private:
  struct ValueEntry {
    TensorType type;
    Tensor fixed = {};
    const Step* maker = nullptr;
    std::vector<const Step*> readers = {};
  };
  static std::size_t index(Value value) { return static_cast<std::size_t>(value); }
  Iterator place_of(const Step* step);
  void connect(const Step& step);
  void disconnect(const Step& step);
  void number_steps() const;

  Steps steps_;
  std::vector<ValueEntry> values_;
  std::vector<Value> inputs_, outputs_;
  // Where each step is in the list, and its number there; numbers are made anew when they are asked for after a change.
  struct Place {
    Iterator iterator;
    mutable std::int64_t number = 0;
  };
  std::unordered_map<const Step*, Place> places_;
  mutable bool is_numbered_ = false;
};

/// A function of tensors, as it is written: it may apply any operations, and call backward().
using TensorFunction = std::function<Tensors(const Tensors&)>;

/// What f computes from inputs of these types. Throws Error where f looks at the numbers of a tensor that has none, in
/// the words of the operation that it used; f is then to be run as it stands.
std::shared_ptr<Graph> capture(const TensorFunction& f, const std::vector<TensorType>& inputs);

/// The graph that capture() is writing on this thread, and apply() with it; null outside.
const std::shared_ptr<Graph>& graph_being_captured();

/// A tensor that has a type and no numbers: the value of a graph.
Tensor tensor_of(const std::shared_ptr<Graph>& graph, Value value);
/// The value that a tensor is in a graph: its own, or, where it has numbers, a fixed one.
Value value_of(const std::shared_ptr<Graph>& graph, const Tensor& tensor);
/// For apply(): the step as part of the graph, its outputs as tensors.
Tensors write_down(const std::shared_ptr<Graph>& graph, const Operation& operation, const Tensors& inputs,
                   const std::vector<TensorType>& outputs);

}  // namespace weft
