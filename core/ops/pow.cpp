// y = x^exponent          dL/dx = dL/dy * exponent x^(exponent - 1), 0 for the exponent 0, at x = 0 as well

#include <cmath>

#include "core/autograd.h"
#include "core/ops.h"
#include "core/ops/unary.h"
namespace weft {

Tensor pow(const Tensor& x, double exponent) {
  const auto f = [exponent](auto v) { return std::pow(v, static_cast<decltype(v)>(exponent)); };
  const Tensor y = map_elements("pow", x, f, {{"exponent", exponent}});
  return record(y, "pow", {x}, [x = Saved(x), exponent](const Tensor& dy) {
    return Gradients{multiply(scale(dy, exponent), pow(x.get(), exponent == 0 ? 0 : exponent - 1))};
  });
}

}  // namespace weft
