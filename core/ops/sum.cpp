// y = sum of x over axes          dL/dx[i] = dL/dy[the element that i was summed into]

#include "core/autograd.h"
#include "core/broadcast.h"
#include "core/ops.h"
#include "core/ops/binary.h"

namespace weft {
namespace {

/// The shape of the sum with its reduced axes kept as 1.
Shape reduced_shape(const Shape& shape, const std::vector<int>& axes) {
  std::vector<std::int64_t> sizes(shape.sizes().begin(), shape.sizes().end());
  if (axes.empty()) std::fill(sizes.begin(), sizes.end(), 1);
  for (int axis : axes) sizes[static_cast<std::size_t>(shape.index_of(axis))] = 1;
  return Shape(std::span<const std::int64_t>(sizes));
}

Shape without_axes(const Shape& shape, const std::vector<int>& axes) {
  std::vector<bool> gone(static_cast<std::size_t>(shape.rank()), axes.empty());
  for (int axis : axes) gone[static_cast<std::size_t>(shape.index_of(axis))] = true;
  std::vector<std::int64_t> sizes;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (!gone[static_cast<std::size_t>(axis)]) sizes.push_back(shape[axis]);
  }
  return Shape(std::span<const std::int64_t>(sizes));
}

}  // namespace

Tensor sum(const Tensor& x, const std::vector<int>& axes, bool keep_axes) {
  const Shape kept = reduced_shape(x.shape(), axes);
  Tensor y = sum_to_shape(x, kept).view(keep_axes ? kept : without_axes(x.shape(), axes));
  return record(y, "sum", {x}, [shape = x.shape(), kept](const Tensor& dy) {
    const Tensor zeros = Tensor::zeros(shape, dy.dtype());
    return Gradients{map_broadcast("sum", zeros, dy.view(kept), [](auto, auto v) { return v; })};
  });
}

Tensor mean(const Tensor& x, const std::vector<int>& axes, bool keep_axes) {
  const std::int64_t reduced = x.count() / std::max<std::int64_t>(1, reduced_shape(x.shape(), axes).count());
  WEFT_CHECK(reduced > 0, "[mean] {} has no elements to average", x.shape());
  return scale(sum(x, axes, keep_axes), 1.0 / static_cast<double>(reduced));
}

}  // namespace weft
