// y = sum of x over axes          dL/dx[i] = dL/dy[the element that i was summed into]

#include <algorithm>

#include "core/autograd.h"
#include "core/broadcast.h"
#include "core/ops.h"
#include "core/operation.h"
#include "core/parallel.h"

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

/// The adjoint of sum_to_shape: y of that shape, x repeated.
Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  const auto run = [](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), "broadcast_to", [&](auto zero) {
      using T = decltype(zero);
      const T* from = in[0].data<T>();
      T* to = out[0].mutable_data<T>();
      const BroadcastRows rows(out[0].shape(), in[0].shape(), in[0].shape());
      parallel_chunks(rows.count(), std::max<std::int64_t>(1, elementwise_grain / rows.length()),
                      [&](std::int64_t begin, std::int64_t end) {
                        RowReader<T> row(rows.a(), from);
                        rows.for_rows(begin, end, [&](std::int64_t i, std::int64_t n, std::int64_t j, std::int64_t) {
                          std::copy_n(row.at(j), n, to + i);
                        });
                      });
    });
  };
  return apply({.name = "broadcast_to", .run = run}, {x}, TensorType{shape, x.dtype()});
}

}  // namespace

Tensor sum(const Tensor& x, const std::vector<int>& axes, bool keep_axes) {
  const Shape kept = reduced_shape(x.shape(), axes);
  const Tensor total = sum_to_shape(x, kept);  // x itself where that is its shape
  const Tensor y = reshape(total, keep_axes ? kept : without_axes(x.shape(), axes)).detach();
  return record(y, "sum", {x}, [shape = x.shape(), kept](const Tensor& dy) {
    return Gradients{broadcast_to(reshape(dy, kept), shape)};
  });
}

Tensor mean(const Tensor& x, const std::vector<int>& axes, bool keep_axes) {
  const std::int64_t reduced = x.count() / std::max<std::int64_t>(1, reduced_shape(x.shape(), axes).count());
  WEFT_CHECK(reduced > 0, "[mean] {} has no elements to average", x.shape());
  return scale(sum(x, axes, keep_axes), 1.0 / static_cast<double>(reduced));
}

}  // namespace weft
