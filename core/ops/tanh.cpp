// y = tanh(x)          dL/dx = dL/dy * (1 - y^2)

#include <cmath>

#include "core/autograd.h"
#include "core/ops.h"
#include "core/ops/binary.h"
#include "core/ops/unary.h"
namespace weft {

Tensor tanh(const Tensor& x) {
  const Tensor y = map_elements("tanh", x, [](auto v) { return std::tanh(v); });
  return record(y, "tanh", {x}, [y = Saved(y)](const Tensor& dy) {
    return Gradients{map_broadcast("tanh_gradient", dy, y.get(), [](auto g, auto t) { return g * (1 - t * t); })};
  });
}

}  // namespace weft
