// y[...] = x[...] in row-major order          dL/dx = dL/dy under x's shape
//
// Both directions are another shape over the same buffer: nothing is copied.

#include "core/autograd.h"
#include "core/ops.h"

namespace weft {

Tensor reshape(const Tensor& x, const Shape& shape) {
  WEFT_CHECK(shape.count() == x.count(), "[reshape] {} elements of {} do not fit {}", x.count(), x.shape(), shape);
  return record(x.view(shape), "reshape", {x},
                [shape = x.shape()](const Tensor& dy) { return Gradients{dy.view(shape)}; });
}

}  // namespace weft
