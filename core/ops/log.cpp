// y = log(x), the natural one          dL/dx = dL/dy / x

#include <cmath>

#include "core/autograd.h"
#include "core/ops.h"
#include "core/ops/unary.h"
namespace weft {

Tensor log(const Tensor& x) {
  const Tensor y = map_elements("log", x, [](auto v) { return std::log(v); });
  return record(y, "log", {x}, [x = Saved(x)](const Tensor& dy) { return Gradients{divide(dy, x.get())}; });
}

}  // namespace weft
