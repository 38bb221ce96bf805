// y = min(max(x, 0), 6)          dL/dx = dL/dy where 0 < y < 6, else 0
//
// The bound keeps activations in a range that few bits can hold (Howard et al. 2017, arXiv:1704.04861).

#include "core/autograd.h"
#include "core/ops.h"

namespace weft {

Tensor relu6(const Tensor& x) { return clamp(x, 0, 6); }

}  // namespace weft
