#pragma once
// Reverse-mode automatic differentiation.
//
// Each operation that has an input with a gradient records a Node: which nodes its inputs came from,
// and a function from the gradient of its output to the gradients of its inputs. backward(y) starts
// with dL/dy and visits the nodes in reverse order of creation. An operation is created after its
// inputs, so by the time a node is visited all its consumers have been: its gradient is complete.
//
// The engine accumulates and checks; a node's function only computes. It owns what it saved
// (through Saved), and the engine destroys the function as soon as it has run, so memory is freed
// while the backward pass is still going on. A function that stores an input's gradient number by
// number may spare the engine the addition: see take_gradient_so_far().

#include <functional>

#include "core/operation.h"

namespace weft {

namespace kernels {
class OutputSums;
}

/// One gradient per input; an undefined Tensor where that input needs none. dy may be overwritten where it is the only
/// handle to its buffer; see reuse_or_empty().
using Gradients = std::vector<Tensor>;
using BackwardFunction = std::function<Gradients(const Tensor& dy)>;

struct Node {
  const char* name;     // of the operation; "leaf" for a parameter
  std::uint64_t order;  // of creation, over the whole process
  Shape shape;          // of the output
  DType dtype;
  std::vector<std::shared_ptr<Node>> inputs;  // null where an input needs no gradient
  BackwardFunction backward;                  // empty for a leaf, and after it ran
  std::vector<Attribute> attributes;
  Tensor grad;  // of a leaf: the sum so far
  /// Where the operation's backward begins with sums over dy: those to take while dy, about to be stored, is.
  std::function<kernels::OutputSums*(const Tensor& dy)> sums_over;
  /// Makes the output again, bit for bit; empty where a Saved keeps the output itself.
  std::function<Tensor()> recompute;

  bool is_leaf() const { return inputs.empty(); }
  ~Node();  // frees long chains without recursion
};

/// Records y = op(inputs) and returns y. Where no gradient is wanted (NoGrad, or no input has one),
/// nothing is recorded and `backward` is destroyed with all that it saved. Names must be literals.
Tensor record(const Tensor& y, const char* name, const Tensors& inputs, BackwardFunction backward,
              std::initializer_list<Attribute> attributes = {});

/// For the backward function of one of x's consumers: what the others have contributed to x's gradient so far. It is
/// out of the engine's hands then, and the caller's to add to: what it returns for x must include it. Undefined where
/// there is nothing yet, or where somebody else can reach the buffer; then the engine adds.
Tensor take_gradient_so_far(const std::weak_ptr<Node>& x);

/// For the same, about to store the gradient dx: the sums that x's operation would otherwise take in a pass over it.
/// Null where it wants none, or dx is not x's whole gradient: where other consumers have yet to contribute, or have and
/// dx does not include it. To be asked after dx.mutable_data(), as they are of that version of dx.
kernels::OutputSums* sums_over_gradient(const std::weak_ptr<Node>& x, const Tensor& dx);

/// True where record() would record.
bool needs_recording(const Tensors& inputs);

/// Reverse mode from a scalar (seed 1) or from any tensor with the gradient `seed` of its shape.
/// Gradients are added to those that the leaves hold. Throws Error where y has no history, where the
/// graph was used before (its saved tensors are gone), or where a saved tensor was overwritten.
void backward(const Tensor& y, const Tensor& seed = Tensor());

/// dL/dx of the scalar y for each leaf x, as backward(y) would add it to that leaf, but handed over instead; undefined
/// where y does not depend on it.
Tensors gradients(const Tensor& y, const Tensors& leaves);

/// A tensor like dy for a gradient that is computed element by element from dy: dy itself where nobody else can reach
/// its buffer, which the gradient then overwrites, else a new one.
Tensor reuse_or_empty(const Tensor& dy);

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

/// While one of these lives on this thread, outputs that are quickly made again (batch_norm's) are not kept for the
/// backward pass: who saves such an output saves how it was made. Gradients keep their bits. A training step of the
/// MobileNetV2 U-Net takes 6% less memory, for one more pass over each such output; with ResNets hardly anything is
/// left to save, as their convolutions normalise what they read (core/ops/normalised_conv2d.h).
class RecomputeActivations {
 public:
  RecomputeActivations();
  ~RecomputeActivations();
  RecomputeActivations(const RecomputeActivations&) = delete;
  RecomputeActivations& operator=(const RecomputeActivations&) = delete;
  static bool is_on();

 private:
  bool previous_;
};

/// A tensor kept for the backward pass. Holds the buffer without its history (an output saved by its
/// own node would otherwise keep itself alive) and the version it had; or, where the tensor's node has
/// `recompute`, that function instead of the buffer.
class Saved {
 public:
  /// An undefined tensor stays undefined.
  explicit Saved(const Tensor& t);
  /// Throws Error where the buffer was written to since.
  const Tensor& get() const;
  const Tensor* operator->() const { return &get(); }

 private:
  mutable Tensor tensor_;  // undefined until it is asked for, where it is made again
  mutable std::uint64_t version_ = 0;
  std::function<Tensor()> recompute_;
};

}  // namespace weft
