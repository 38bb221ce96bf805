// y = x s, s = 1 / (1 + exp(-x))          dL/dx = dL/dy * s (1 + x (1 - s))
//
// Also called swish (Ramachandran et al. 2017, arXiv:1710.05941).

#include <cmath>

#include "core/autograd.h"
#include "core/ops.h"
#include "core/ops/binary.h"
#include "core/ops/unary.h"
namespace weft {

Tensor silu(const Tensor& x) {
  const Tensor y = map_elements("silu", x, [](auto v) { return v / (1 + std::exp(-v)); });
  return record(y, "silu", {x}, [x = Saved(x)](const Tensor& dy) {
    return Gradients{map_broadcast("silu_gradient", dy, x.get(), [](auto g, auto v) {
      const auto s = 1 / (1 + std::exp(-v));
      return g * s * (1 + v * (1 - s));
    })};
  });
}

}  // namespace weft
