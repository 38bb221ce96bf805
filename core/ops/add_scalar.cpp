// y = x + number          dL/dx = dL/dy

#include "core/autograd.h"
#include "core/ops.h"
#include "core/ops/unary.h"
namespace weft {

Tensor add_scalar(const Tensor& x, double number) {
  const Tensor y = map_elements("add_scalar", x, [number](auto v) { return v + static_cast<decltype(v)>(number); },
                                {{"number", number}});
  return record(y, "add_scalar", {x}, [](const Tensor& dy) { return Gradients{dy}; });
}

}  // namespace weft
