// y = a / b          dL/da = dL/dy / b, dL/db = -dL/dy * y / b, each summed over the axes along which it was repeated

#include "core/autograd.h"
#include "core/ops.h"
#include "core/ops/binary.h"
namespace weft {

Tensor divide(const Tensor& a, const Tensor& b) {
  const Tensor y = map_broadcast("divide", a, b, [](auto u, auto v) { return u / v; });
  const bool need_a = a.requires_grad(), need_b = b.requires_grad();
  return record(y, "divide", {a, b}, [sa = a.shape(), b = Saved(b), y = Saved(y), need_a, need_b](const Tensor& dy) {
    const Tensor share = divide(dy, b.get());
    return Gradients{need_a ? sum_to_shape(share, sa) : Tensor(),
                     need_b ? scale(sum_to_shape(multiply(share, y.get()), b->shape()), -1) : Tensor()};
  });
}

}  // namespace weft
