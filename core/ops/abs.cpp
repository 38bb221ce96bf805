// y = |x|          dL/dx = dL/dy * sign(x), 0 at x = 0

#include <cmath>

#include "core/autograd.h"
#include "core/ops.h"
#include "core/ops/binary.h"
#include "core/ops/unary.h"
namespace weft {

Tensor abs(const Tensor& x) {
  const Tensor y = map_elements("abs", x, [](auto v) { return std::abs(v); });
  return record(y, "abs", {x}, [x = Saved(x)](const Tensor& dy) {
    return Gradients{map_broadcast("abs_gradient", dy, x.get(), [](auto g, auto u) {
      return u > 0 ? g : u < 0 ? -g : 0 * g;
    })};
  });
}

}  // namespace weft
