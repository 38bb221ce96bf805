// y = min(max(x, lower), upper)          dL/dx = dL/dy where lower < y < upper, else 0
//
// ReLU and ReLU6 are this operation: relu.cpp, relu6.cpp.
//
// The gradient can be read off the output, because y lies strictly between the bounds exactly where x does. Saving y
// costs no memory in a chain conv - batch norm - relu - conv: the next convolution saves the same buffer as its input.
// x would be kept for the clamp alone. At a bound the gradient is 0, as PyTorch's is for ReLU and ReLU6. NaN stays NaN.

#include "core/autograd.h"
#include "core/ops.h"
#include "core/ops/binary.h"
#include "core/ops/unary.h"
namespace weft {

namespace {

std::vector<Attribute> bounds(double lower, double upper) { return {{"lower", lower}, {"upper", upper}}; }

Tensor clamp_gradient(const Tensor& dy, const Tensor& y, double lower, double upper) {
  const auto f = [lower, upper](auto g, auto v) {
    using T = decltype(v);
    return v > static_cast<T>(lower) && v < static_cast<T>(upper) ? g : T(0);
  };
  return map_broadcast("clamp_gradient", dy, y, f, bounds(lower, upper));
}

}  // namespace

Tensor clamp(const Tensor& x, double lower, double upper) {
  WEFT_CHECK(lower <= upper, "[clamp] expected a lower bound of at most the upper one, got {} and {}", lower, upper);
  const auto f = [lower, upper](auto v) {
    using T = decltype(v);
    const T raised = v < static_cast<T>(lower) ? static_cast<T>(lower) : v;
    return raised > static_cast<T>(upper) ? static_cast<T>(upper) : raised;
  };
  const Tensor y = map_elements("clamp", x, f, bounds(lower, upper));
  return record(y, "clamp", {x}, [y = Saved(y), lower, upper](const Tensor& dy) {
    return Gradients{clamp_gradient(dy, y.get(), lower, upper)};
  });
}

}  // namespace weft
