// y = a + b          dL/da = dL/dy, dL/db = dL/dy, each summed over the axes along which it was repeated

#include "core/autograd.h"
#include "core/ops.h"
#include "core/ops/binary.h"
namespace weft {

Tensor add(const Tensor& a, const Tensor& b) {
  const Tensor y = map_broadcast("add", a, b, [](auto u, auto v) { return u + v; });
  return record(y, "add", {a, b}, [sa = a.shape(), sb = b.shape()](const Tensor& dy) {
    return Gradients{sum_to_shape(dy, sa), sum_to_shape(dy, sb)};
  });
}

}  // namespace weft
