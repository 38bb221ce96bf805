// y = 1 / (1 + exp(-x))          dL/dx = dL/dy * y (1 - y)
//
// For very negative x, exp(-x) overflows to infinity and y is 0, which is right to the last bit.

#include <cmath>

#include "core/autograd.h"
#include "core/ops.h"
#include "core/ops/binary.h"
#include "core/ops/unary.h"

namespace weft {

Tensor sigmoid(const Tensor& x) {
  Tensor y = map_elements("sigmoid", x, [](auto v) { return 1 / (1 + std::exp(-v)); });
  return record(y, "sigmoid", {x}, [y = Saved(y)](const Tensor& dy) {
    return Gradients{map_broadcast("sigmoid", dy, y.get(), [](auto g, auto v) { return g * v * (1 - v); })};
  });
}

}  // namespace weft
