// y[i0, i1, ...] = x[j], where j's component order[k] is ik          dL/dx = dL/dy permuted by the inverse of order
//
// permute(x, {0, 3, 1, 2}) turns [N, H, W, C] into [N, C, H, W].

#include <fmt/ranges.h>

#include <numeric>

#include "core/autograd.h"
#include "core/kernels/rows.h"
#include "core/operation.h"
#include "core/ops.h"

namespace weft {
namespace {

void check_order(const Shape& shape, const std::vector<int>& order) {
  std::vector<int> axes(static_cast<std::size_t>(shape.rank()));
  std::iota(axes.begin(), axes.end(), 0);
  WEFT_CHECK(std::is_permutation(order.begin(), order.end(), axes.begin(), axes.end()),
             "[permute] expected each axis of {} once, 0 to {}, got ({})", shape, shape.rank() - 1,
             fmt::join(order, ", "));
}

/// For each axis of y: its size, and the step in elements of x that one step along it makes.
struct Layout {
  std::vector<std::int64_t> sizes, steps;
};

Layout permuted_layout(const Shape& shape, const std::vector<int>& order) {
  std::vector<std::int64_t> steps(order.size());
  std::int64_t step = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    steps[static_cast<std::size_t>(axis)] = step;
    step *= shape[axis];
  }
  Layout y;
  for (int axis : order) {
    y.sizes.push_back(shape[axis]);
    y.steps.push_back(steps[static_cast<std::size_t>(axis)]);
  }
  return y;
}

/// Where in x the given row (run along the last axis) of y begins.
std::int64_t row_start(const Layout& y, std::int64_t row) {
  std::int64_t start = 0;
  for (std::size_t axis = y.sizes.size() - 1; axis-- > 0;) {
    start += row % y.sizes[axis] * y.steps[axis];
    row /= y.sizes[axis];
  }
  return start;
}

Tensor permuted(const Tensor& x, const std::vector<int>& order) {
  const Layout layout = permuted_layout(x.shape(), order);
  const auto run = [layout](const Tensors& in, const Tensors& out) {
    if (out[0].count() == 0) return;
    dispatch_float(in[0].dtype(), "permute", [&](auto zero) {
      using T = decltype(zero);
      const T* px = in[0].data<T>();
      T* py = out[0].mutable_data<T>();
      const bool is_scalar = layout.sizes.empty();
      const std::int64_t length = is_scalar ? 1 : layout.sizes.back(), step = is_scalar ? 1 : layout.steps.back();
      kernels::parallel_rows(out[0].count() / length, length, [&](std::int64_t row) {
        const T* from = px + (is_scalar ? 0 : row_start(layout, row));
        T* into = py + row * length;
        for (std::int64_t k = 0; k < length; ++k) into[k] = from[k * step];
      });
    });
  };
  std::vector<Attribute> attributes;
  for (const int axis : order) attributes.push_back({"axis", static_cast<double>(axis)});
  return apply({.name = "permute", .run = run, .attributes = attributes}, {x},
               TensorType{Shape(std::span(layout.sizes)), x.dtype()});
}

std::vector<int> inverse(const std::vector<int>& order) {
  std::vector<int> back(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) back[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
  return back;
}

}  // namespace

Tensor permute(const Tensor& x, const std::vector<int>& order) {
  check_order(x.shape(), order);
  return record(permuted(x, order), "permute", {x},
                [back = inverse(order)](const Tensor& dy) { return Gradients{permuted(dy, back)}; });
}

}  // namespace weft
