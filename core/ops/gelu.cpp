// y = x F(x)          dL/dx = dL/dy * (F(x) + x f(x))
//
// with the normal distribution F(x) = (1 + erf(x / sqrt 2)) / 2 and its density f(x) = exp(-x^2 / 2) / sqrt(2 pi)
// (Hendrycks, Gimpel 2016, arXiv:1606.08415). The exact form, not the one with tanh.

#include <cmath>
#include <numbers>

#include "core/autograd.h"
#include "core/ops.h"
#include "core/ops/binary.h"
#include "core/ops/unary.h"
namespace weft {

Tensor gelu(const Tensor& x) {
  const auto normal = [](auto v) { return (1 + std::erf(v * static_cast<decltype(v)>(std::numbers::sqrt2 / 2))) / 2; };
  const Tensor y = map_elements("gelu", x, [normal](auto v) { return v * normal(v); });
  return record(y, "gelu", {x}, [x = Saved(x), normal](const Tensor& dy) {
    return Gradients{map_broadcast("gelu_gradient", dy, x.get(), [normal](auto g, auto v) {
      const auto density =
          std::exp(-v * v / 2) * static_cast<decltype(v)>(std::numbers::inv_sqrtpi / std::numbers::sqrt2);
      return g * (normal(v) + v * density);
    })};
  });
}

}  // namespace weft
