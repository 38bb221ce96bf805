// y = min(max(x, 0), 6)          dL/dx = dL/dy where 0 < y < 6, else 0
//
// Sandler et al. 2018, arXiv:1801.04381 (MobileNetV2). The output is saved, not the input, for relu's reason.

#include <algorithm>

#include "core/autograd.h"
#include "core/ops.h"
#include "core/ops/binary.h"
#include "core/ops/unary.h"

namespace weft {

Tensor relu6(const Tensor& x) {
  Tensor y = map_elements("relu6", x, [](auto v) {
    using T = decltype(v);
    return std::min(std::max(v, T(0)), T(6));
  });
  return record(y, "relu6", {x}, [y = Saved(y)](const Tensor& dy) {
    return Gradients{
        map_broadcast("relu6", dy, y.get(), [](auto g, auto v) { return v > 0 && v < 6 ? g : decltype(g)(0); })};
  });
}

}  // namespace weft
