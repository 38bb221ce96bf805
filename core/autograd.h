#pragma once
// Reverse-mode automatic differentiation.
//
// Each operation that has an input with a gradient records a Node: which nodes its inputs came from,
// and a function from the gradient of its output to the gradients of its inputs. backward(y) starts
// with dL/dy and visits the nodes in reverse order of creation. An operation is created after its
// inputs, so by the time a node is visited all its consumers have been: its gradient is complete.
//
// The engine accumulates and checks; a node's function only computes, in operations of its own (core/operation.h). So on
// tensors without numbers the same engine writes the backward pass down. A node's function owns what it saved (through
// Saved), and the engine destroys it as soon as it has run, so memory is freed while the pass is still going on.

#include <functional>

#include "core/tensor.h"

namespace weft {

/// One gradient per input; an undefined Tensor where that input needs none.
using Gradients = std::vector<Tensor>;
using BackwardFunction = std::function<Gradients(const Tensor& dy)>;

struct Node {
  const char* name;     // of the operation; "leaf" for a parameter
  std::uint64_t order;  // of creation, over the whole process
  Shape shape;          // of the output
  DType dtype;
  std::vector<std::shared_ptr<Node>> inputs;  // null where an input needs no gradient
  BackwardFunction backward;                  // empty for a leaf, and after it ran
  Tensor grad;                                // of a leaf: the sum so far

  bool is_leaf() const { return inputs.empty(); }
  ~Node();  // frees long chains without recursion
};

/// Records y = op(inputs) and returns y. Where no gradient is wanted (NoGrad, or no input has one),
/// nothing is recorded and `backward` is destroyed with all that it saved. Names must be literals.
Tensor record(const Tensor& y, const char* name, const Tensors& inputs, BackwardFunction backward);

/// True where record() would record.
bool needs_recording(const Tensors& inputs);

/// Reverse mode from a scalar (seed 1) or from any tensor with the gradient `seed` of its shape.
/// Gradients are added to those that the leaves hold. Throws Error where y has no history, where the
/// graph was used before (its saved tensors are gone), or where a saved tensor was overwritten.
void backward(const Tensor& y, const Tensor& seed = Tensor());

/// dL/dx of the scalar y for each leaf x, as backward(y) would add it to that leaf, but handed over instead; undefined
/// where y does not depend on it.
Tensors gradients(const Tensor& y, const Tensors& leaves);

/// No operation records while one of these lives on this thread.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool previous_;
};

/// A tensor kept for the backward pass. Holds the buffer without its history (an output saved by its
/// own node would otherwise keep itself alive) and the version it had.
class Saved {
 public:
  /// An undefined tensor stays undefined.
  explicit Saved(const Tensor& t);
  /// Throws Error where the buffer was written to since.
  const Tensor& get() const;
  const Tensor* operator->() const { return &get(); }

 private:
  Tensor tensor_;
  std::uint64_t version_ = 0;
};

}  // namespace weft
