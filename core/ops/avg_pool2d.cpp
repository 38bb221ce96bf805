// y[n, o, p, c]     = 1 / kernel^2 * sum of x[n, i, j, c] over i = o stride - padding + [0, kernel), j likewise
// dL/dx[n, i, j, c] = 1 / kernel^2 * sum of dL/dy over the windows that hold (i, j)
//
// The padding counts as zeros in the mean (PyTorch's count_include_pad = True), so every window divides by kernel^2.

#include "core/autograd.h"
#include "core/ops/pool2d.h"

namespace weft {

Tensor avg_pool2d(const Tensor& x, const Pool2dOptions& options) {
  const kernels::Pool2d sizes = pool2d_sizes("avg_pool2d", x, options);
  Tensor y = Tensor::empty({sizes.n, sizes.oh, sizes.ow, sizes.c}, x.dtype());
  dispatch_float(x.dtype(), "avg_pool2d", [&](auto zero) {
    using T = decltype(zero);
    kernels::avg_pool2d(sizes, x.data<T>(), y.mutable_data<T>());
  });

  return record(y, "avg_pool2d", {x}, [sizes](const Tensor& dy) {
    Tensor dx = Tensor::empty({sizes.n, sizes.h, sizes.w, sizes.c}, dy.dtype());
    dispatch_float(dy.dtype(), "avg_pool2d", [&](auto zero) {
      using T = decltype(zero);
      kernels::avg_pool2d_adjoint(sizes, dy.data<T>(), dx.mutable_data<T>());
    });
    return Gradients{dx};
  });
}

}  // namespace weft
