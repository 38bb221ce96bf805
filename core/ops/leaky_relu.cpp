// y = x where x > 0, else slope x          dL/dx = dL/dy where x > 0, else slope dL/dy
//
// Maas, Hannun, Ng 2013: a unit that is never active still learns.

#include "core/autograd.h"
#include "core/ops.h"
#include "core/ops/binary.h"
#include "core/ops/unary.h"
namespace weft {

Tensor leaky_relu(const Tensor& x, double slope) {
  const auto f = [slope](auto v) { return v > 0 ? v : static_cast<decltype(v)>(slope) * v; };
  const Tensor y = map_elements("leaky_relu", x, f, {{"slope", slope}});
  return record(y, "leaky_relu", {x}, [x = Saved(x), slope](const Tensor& dy) {
    const auto gradient = [slope](auto g, auto v) { return v > 0 ? g : static_cast<decltype(g)>(slope) * g; };
    return Gradients{map_broadcast("leaky_relu_gradient", dy, x.get(), gradient, {{"slope", slope}})};
  });
}

}  // namespace weft
