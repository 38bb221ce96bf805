// y = max(x, 0)          dL/dx = dL/dy where y > 0, else 0
//
// The gradient can be read off the output, because y > 0 exactly where x > 0. Saving y costs no memory in a chain
// conv - batch norm - relu - conv: the next convolution saves the same buffer as its input. x would be kept for
// relu alone. At x = 0 the gradient is 0, as in PyTorch. NaN stays NaN.

#include <algorithm>

#include "core/autograd.h"
#include "core/ops.h"
#include "core/ops/binary.h"
#include "core/ops/unary.h"

namespace weft {

Tensor relu(const Tensor& x) {
  Tensor y = map_elements("relu", x, [](auto v) { return std::max(v, decltype(v)(0)); });
  return record(y, "relu", {x}, [y = Saved(y)](const Tensor& dy) {
    return Gradients{map_broadcast("relu", dy, y.get(), [](auto g, auto v) { return v > 0 ? g : decltype(g)(0); })};
  });
}

}  // namespace weft
