// y = 1 / (1 + exp(-x))          dL/dx = dL/dy * y (1 - y)

#include "core/autograd.h"
#include "core/ops.h"
#include "core/ops/binary.h"
#include "core/ops/sigmoid_value.h"
#include "core/ops/unary.h"

namespace weft {

Tensor sigmoid(const Tensor& x) {
  Tensor y = map_elements("sigmoid", x, [](auto v) { return sigmoid_value(v); });
  return record(y, "sigmoid", {x}, [y = Saved(y)](const Tensor& dy) {
    return Gradients{map_broadcast("sigmoid", dy, y.get(), [](auto g, auto v) { return g * v * (1 - v); })};
  });
}

}  // namespace weft
