// y = 1 / (1 + exp(-x))          dL/dx = dL/dy * y (1 - y)

#include "core/autograd.h"
#include "core/ops.h"
#include "core/kernels/sigmoid.h"
#include "core/ops/binary.h"
#include "core/ops/unary.h"
namespace weft {

Tensor sigmoid(const Tensor& x) {
  const Tensor y =
      map_runs("sigmoid", x, [](const auto* z, std::int64_t count, auto* p) { kernels::sigmoid(z, count, p); });
  return record(y, "sigmoid", {x}, [y = Saved(y)](const Tensor& dy) {
    return Gradients{map_broadcast("sigmoid_gradient", dy, y.get(), [](auto g, auto v) { return g * v * (1 - v); })};
  });
}

}  // namespace weft
