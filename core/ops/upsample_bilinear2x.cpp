// Pixels are squares and values sit at their centres: output pixel o lies at (o + 1/2) / 2 - 1/2 in the input, a
// quarter of a pixel before or after an input's centre (align_corners = false). So along each axis
//
//   y[2i]   = 1/4 x[i-1] + 3/4 x[i]          y[2i+1] = 3/4 x[i] + 1/4 x[i+1]
//   dL/dx[i] = 1/4 dL/dy[2i-1] + 3/4 dL/dy[2i] + 3/4 dL/dy[2i+1] + 1/4 dL/dy[2i+2]
//
// with indices clamped to the image in both; rows and columns one after the other.

#include "core/autograd.h"
#include "core/kernels/upsample.h"
#include "core/ops.h"

namespace weft {

Tensor upsample_bilinear2x(const Tensor& x) {
  WEFT_CHECK(x.rank() == 4, "[upsample_bilinear2x] expected [N, H, W, C], got {}", x.shape());
  const Shape& shape = x.shape();
  Tensor y = Tensor::empty({shape[0], 2 * shape[1], 2 * shape[2], shape[3]}, x.dtype());
  dispatch_float(x.dtype(), "upsample_bilinear2x", [&](auto zero) {
    using T = decltype(zero);
    kernels::upsample_bilinear2x(x.data<T>(), y.mutable_data<T>(), shape[0], shape[1], shape[2], shape[3]);
  });

  return record(y, "upsample_bilinear2x", {x}, [shape](const Tensor& dy) {
    Tensor dx = Tensor::empty(shape, dy.dtype());
    dispatch_float(dy.dtype(), "upsample_bilinear2x", [&](auto zero) {
      using T = decltype(zero);
      kernels::upsample_bilinear2x_adjoint(dy.data<T>(), dx.mutable_data<T>(), shape[0], shape[1], shape[2], shape[3]);
    });
    return Gradients{dx};
  });
}

}  // namespace weft
