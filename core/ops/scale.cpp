// y = factor * x          dL/dx = factor * dL/dy

#include "core/autograd.h"
#include "core/ops.h"
#include "core/ops/unary.h"
namespace weft {

Tensor scale(const Tensor& x, double factor) {
  const Tensor y =
      map_elements("scale", x, [factor](auto v) { return static_cast<decltype(v)>(factor) * v; }, {{"factor", factor}});
  return record(y, "scale", {x}, [factor](const Tensor& dy) { return Gradients{scale(dy, factor)}; });
}

}  // namespace weft
