// y[n, 2i+a, 2j+b, c] = x[n, i, j, c]          a, b in {0, 1}
// dL/dx[n, i, j, c]   = sum over a, b of dL/dy[n, 2i+a, 2j+b, c]

#include "core/autograd.h"
#include "core/kernels/upsample.h"
#include "core/ops.h"

namespace weft {

Tensor upsample_nearest2x(const Tensor& x) {
  WEFT_CHECK(x.rank() == 4, "[upsample_nearest2x] expected [N, H, W, C], got {}", x.shape());
  const Shape& shape = x.shape();
  Tensor y = Tensor::empty({shape[0], 2 * shape[1], 2 * shape[2], shape[3]}, x.dtype());
  dispatch_float(x.dtype(), "upsample_nearest2x", [&](auto zero) {
    using T = decltype(zero);
    kernels::upsample_nearest2x(x.data<T>(), y.mutable_data<T>(), shape[0], shape[1], shape[2], shape[3]);
  });

  return record(y, "upsample_nearest2x", {x}, [shape](const Tensor& dy) {
    Tensor dx = Tensor::empty(shape, dy.dtype());
    dispatch_float(dy.dtype(), "upsample_nearest2x", [&](auto zero) {
      using T = decltype(zero);
      kernels::upsample_nearest2x_adjoint(dy.data<T>(), dx.mutable_data<T>(), shape[0], shape[1], shape[2], shape[3]);
    });
    return Gradients{dx};
  });
}

}  // namespace weft
