#include "core/broadcast.h"

#include "core/operation.h"

namespace weft {

Shape broadcast_shape(const char* op, const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(rank));
  for (int axis = 1; axis <= rank; ++axis) {
    const std::int64_t in_a = axis <= a.rank() ? a[-axis] : 1;
    const std::int64_t in_b = axis <= b.rank() ? b[-axis] : 1;
    WEFT_CHECK(in_a == in_b || in_a == 1 || in_b == 1, "[{}] shapes {} and {} do not broadcast", op, a, b);
    sizes[static_cast<std::size_t>(rank - axis)] = in_a == 1 ? in_b : in_a;
  }
  return Shape(std::span<const std::int64_t>(sizes));
}

std::array<std::int64_t, Shape::max_rank> broadcast_strides(const Shape& from, const Shape& to) {
  std::array<std::int64_t, Shape::max_rank> strides{};
  std::int64_t stride = 1;
  for (int axis = 1; axis <= from.rank(); ++axis) {
    if (from[-axis] != 1) strides[static_cast<std::size_t>(to.rank() - axis)] = stride;
    stride *= from[-axis];
  }
  return strides;
}

Tensor sum_to_shape(const Tensor& t, const Shape& shape) {
  if (t.shape() == shape) return t;
  const auto run = [](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), "sum_to_shape", [&](auto zero) {
      using T = decltype(zero);
      const T* from = in[0].data<T>();
      const Shape& kept = out[0].shape();
      // Sums in double: a bias gradient adds a million terms.
      std::vector<double> sums(static_cast<std::size_t>(kept.count()));
      for_each_broadcast(in[0].shape(), kept, kept, [&](std::int64_t i, std::int64_t j, std::int64_t) {
        sums[static_cast<std::size_t>(j)] += static_cast<double>(from[i]);
      });
      T* into = out[0].mutable_data<T>();
      for (std::size_t j = 0; j < sums.size(); ++j) into[j] = static_cast<T>(sums[j]);
    });
  };
  return apply({.name = "sum_to_shape", .run = run}, {t}, TensorType{shape, t.dtype()});
}

}  // namespace weft
