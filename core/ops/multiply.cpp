// y = a * b          dL/da = dL/dy * b, dL/db = dL/dy * a, each summed over the axes along which it was repeated

#include "core/autograd.h"
#include "core/ops.h"
#include "core/ops/binary.h"
namespace weft {

Tensor multiply(const Tensor& a, const Tensor& b) {
  const Tensor y = map_broadcast("multiply", a, b, [](auto u, auto v) { return u * v; });
  const bool need_a = a.requires_grad(), need_b = b.requires_grad();
  return record(y, "multiply", {a, b}, [a = Saved(a), b = Saved(b), need_a, need_b](const Tensor& dy) {
    return Gradients{need_a ? sum_to_shape(multiply(dy, b.get()), a->shape()) : Tensor(),
                     need_b ? sum_to_shape(multiply(dy, a.get()), b->shape()) : Tensor()};
  });
}

}  // namespace weft
