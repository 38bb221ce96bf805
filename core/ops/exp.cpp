// y = exp(x)          dL/dx = dL/dy * y

#include <cmath>

#include "core/autograd.h"
#include "core/ops.h"
#include "core/ops/unary.h"
namespace weft {

Tensor exp(const Tensor& x) {
  const Tensor y = map_elements("exp", x, [](auto v) { return std::exp(v); });
  return record(y, "exp", {x}, [y = Saved(y)](const Tensor& dy) { return Gradients{multiply(dy, y.get())}; });
}

}  // namespace weft
