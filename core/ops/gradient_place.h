#pragma once
// Where a consumer of x leaves x's gradient dx: where those of others lie, if they have contributed before, to be added
// to in the pass that computes it; else in a new tensor.

#include "core/autograd.h"

namespace weft {

struct GradientPlace {
  Tensor dx;
  bool holds_others;  // dx is what others contributed, which the result includes

  /// `x` is the node that made x, if any.
  GradientPlace(const std::weak_ptr<Node>& x, const Shape& shape, DType dtype)
      : dx(take_gradient_so_far(x)), holds_others(dx.defined()) {
    if (!holds_others) dx = Tensor::empty(shape, dtype);
  }
};

}  // namespace weft
