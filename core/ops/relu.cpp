// y = max(x, 0)          dL/dx = dL/dy where y > 0, else 0

#include <limits>

#include "core/autograd.h"
#include "core/ops.h"

namespace weft {

Tensor relu(const Tensor& x) { return clamp(x, 0, std::numeric_limits<double>::infinity()); }

}  // namespace weft
