// y = a - b          dL/da = dL/dy, dL/db = -dL/dy, each summed over the axes along which it was repeated

#include "core/autograd.h"
#include "core/ops.h"
#include "core/ops/binary.h"
namespace weft {

Tensor subtract(const Tensor& a, const Tensor& b) {
  const Tensor y = map_broadcast("subtract", a, b, [](auto u, auto v) { return u - v; });
  return record(y, "subtract", {a, b}, [sa = a.shape(), sb = b.shape()](const Tensor& dy) {
    return Gradients{sum_to_shape(dy, sa), scale(sum_to_shape(dy, sb), -1)};
  });
}

}  // namespace weft
