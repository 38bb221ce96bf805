// y[...] = x[...] in row-major order          dL/dx = dL/dy under x's shape
//
// Both directions are another shape over the same buffer: nothing is copied. Only a graph says it as a step.

#include <algorithm>

#include "core/autograd.h"
#include "core/graph.h"
#include "core/ops.h"

namespace weft {
namespace {

Tensor reshaped(const Tensor& x, const Shape& shape) {
  if (x.has_numbers() && graph_being_captured() == nullptr) return x.view(shape);
  const auto run = [](const Tensors& in, const Tensors& out) { out[0].view(in[0].shape()).copy_from(in[0]); };
  return apply({.name = "reshape", .run = run}, {x}, TensorType{shape, x.dtype()});
}

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape) {
  WEFT_CHECK(shape.count() == x.count(), "[reshape] {} elements of {} do not fit {}", x.count(), x.shape(), shape);
  return record(reshaped(x, shape), "reshape", {x},
                [shape = x.shape()](const Tensor& dy) { return Gradients{reshaped(dy, shape)}; });
}

}  // namespace weft
