#pragma once
// NumPy's broadcasting: axes are matched from the last; an axis of size 1, or a missing one, repeats.

#include "core/tensor.h"

namespace weft {

/// The shape of a op b. Throws Error naming `op` where the shapes don't match.
Shape broadcast_shape(const char* op, const Shape& a, const Shape& b);

/// The adjoint of broadcasting `shape` to t's shape: sums t over the axes that were repeated.
Tensor sum_to_shape(const Tensor& t, const Shape& shape);

/// For each axis of `to`, the step in elements that one step along it makes in a tensor of shape `from`
/// (0 along repeated axes).
std::array<std::int64_t, Shape::max_rank> broadcast_strides(const Shape& from, const Shape& to);

/// Calls f(i, ja, jb) for the elements i of `shape` in order, ja and jb being the elements of a and b
/// that broadcast to it.
template <class F>
void for_each_broadcast(const Shape& shape, const Shape& a, const Shape& b, F&& f) {
  const auto step_a = broadcast_strides(a, shape), step_b = broadcast_strides(b, shape);
  std::array<std::int64_t, Shape::max_rank> index{};
  std::int64_t ja = 0, jb = 0;
  const std::int64_t count = shape.count();
  for (std::int64_t i = 0; i < count; ++i) {
    f(i, ja, jb);
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      const auto k = static_cast<std::size_t>(axis);
      ja += step_a[k];
      jb += step_b[k];
      if (++index[k] < shape[axis]) break;
      ja -= step_a[k] * index[k];
      jb -= step_b[k] * index[k];
      index[k] = 0;
    }
  }
}

}  // namespace weft
