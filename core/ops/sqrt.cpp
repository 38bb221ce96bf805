// y = sqrt(x)          dL/dx = dL/dy / (2 y)

#include <cmath>

#include "core/autograd.h"
#include "core/ops.h"
#include "core/ops/unary.h"
namespace weft {

Tensor sqrt(const Tensor& x) {
  const Tensor y = map_elements("sqrt", x, [](auto v) { return std::sqrt(v); });
  return record(y, "sqrt", {x},
                [y = Saved(y)](const Tensor& dy) { return Gradients{divide(scale(dy, 0.5), y.get())}; });
}

}  // namespace weft
