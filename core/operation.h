#pragma once
// What an operation is, and the one function that applies it.
//
// An operation is a value: a name, attributes, and a function from its inputs' buffers to its outputs'. What it means
// for its shapes and its gradient is said beside it, in core/ops/NAME.cpp, where a public function checks, calls
// apply(), and records the gradient, which is itself written in operations.
//
// apply() looks at its inputs. With numbers the operation runs, and is profiled. A tensor that has a shape and no
// numbers belongs to a graph (core/graph.h): there the operation is written down as a step, to be run later, as is
// everything that a function does while it is captured. So the same lines compute, and say what there is to compute; a
// plan (core/plan/plan.h) calls the same function on buffers of its own. Nothing is registered anywhere: a step carries
// its operation.

#include <functional>
#include <string_view>
#include <vector>

#include "core/profile.h"
#include "core/tensor.h"

namespace weft {

/// A setting that the shapes don't tell, such as a convolution's stride. An operation has one for each: plans take two
/// operations for the same where name, attributes and shapes are.
struct Attribute {
  const char* name;
  double value;
};

struct Operation {
  const char* name;  // a literal
  /// Computes all of the outputs, which have their shapes and nothing in them, from the inputs. An input that was not
  /// given is an undefined tensor.
  std::function<void(const Tensors& inputs, const Tensors& outputs)> run;
  std::vector<Attribute> attributes = {};
  /// The inputs that it changes, by number: running statistics, the state of a random stream. Such an operation keeps
  /// its place among others that read or change the same.
  std::vector<int> changes = {};
  /// Fills in what a profile should say beyond the name, the first output's shape and the bytes of all tensors.
  std::function<void(const Tensors& inputs, const Tensors& outputs, ProfileEntry&)> describe = {};
  /// The input, by number, in whose place the first output may be stored where nobody needs the input any more; -1:
  /// none. The two have the same number of bytes.
  int may_overwrite = -1;
  /// The largest block of scratch space (ScratchBuffer) that a run takes, as far as that is known: a plan keeps room
  /// for it among its values.
  std::int64_t scratch_bytes = 0;

  /// The value of an attribute. Throws Error where there is none of that name.
  double attribute(std::string_view attribute_name) const;
  bool has(std::string_view attribute_name) const;
};

/// What a tensor will be: its shape and the type of its elements.
struct TensorType {
  Shape shape;
  DType dtype = DType::f32;
  bool operator==(const TensorType&) const = default;
  std::int64_t bytes() const { return shape.count() * dtype_bytes(dtype); }
};

inline TensorType type_of(const Tensor& t) { return {t.shape(), t.dtype()}; }

/// The outputs, of these types. Records no gradient: that is record() of core/autograd.h. Throws Error where inputs
/// belong to different graphs.
Tensors apply(const Operation& operation, const Tensors& inputs, const std::vector<TensorType>& outputs);
/// The same where there is one output.
Tensor apply(const Operation& operation, const Tensors& inputs, const TensorType& output);

/// Runs it on buffers, under the profile's clock: apply() and plans come here.
void run_operation(const Operation& operation, const Tensors& inputs, const Tensors& outputs);
/// What a profile says of it, without a time.
ProfileEntry describe_operation(const Operation& operation, const Tensors& inputs, const Tensors& outputs);

}  // namespace weft
