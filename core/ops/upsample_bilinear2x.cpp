// Pixels are squares and values sit at their centres: output pixel o lies at (o + 1/2) / 2 - 1/2 in the input, a
// quarter of a pixel before or after an input's centre (align_corners = false). So along each axis
//
//   y[2i]   = 1/4 x[i-1] + 3/4 x[i]          y[2i+1] = 3/4 x[i] + 1/4 x[i+1]
//   dL/dx[i] = 1/4 dL/dy[2i-1] + 3/4 dL/dy[2i] + 3/4 dL/dy[2i+1] + 1/4 dL/dy[2i+2]
//
// with indices clamped to the image in both; rows and columns one after the other.

#include "core/autograd.h"
#include "core/kernels/upsample.h"
#include "core/operation.h"
#include "core/ops.h"

namespace weft {
namespace {

Tensor upsample_bilinear2x_gradient(const Tensor& dy, const Shape& shape) {
  const auto run = [](const Tensors& in, const Tensors& out) {
    const auto [n, h, w, c] = out[0].nhwc();
    dispatch_float(in[0].dtype(), "upsample_bilinear2x_gradient", [&, n = n, h = h, w = w, c = c](auto zero) {
      using T = decltype(zero);
      kernels::upsample_bilinear2x_adjoint(in[0].data<T>(), out[0].mutable_data<T>(), n, h, w, c);
    });
  };
  return apply({.name = "upsample_bilinear2x_gradient", .run = run}, {dy}, TensorType{shape, dy.dtype()});
}

}  // namespace

Tensor upsample_bilinear2x(const Tensor& x) {
  WEFT_CHECK(x.rank() == 4, "[upsample_bilinear2x] expected [N, H, W, C], got {}", x.shape());
  const auto run = [](const Tensors& in, const Tensors& out) {
    const auto [n, h, w, c] = in[0].nhwc();
    dispatch_float(in[0].dtype(), "upsample_bilinear2x", [&, n = n, h = h, w = w, c = c](auto zero) {
      using T = decltype(zero);
      kernels::upsample_bilinear2x(in[0].data<T>(), out[0].mutable_data<T>(), n, h, w, c);
    });
  };
  const Shape& s = x.shape();
  const Tensor y =
      apply({.name = "upsample_bilinear2x", .run = run}, {x}, TensorType{{s[0], 2 * s[1], 2 * s[2], s[3]}, x.dtype()});
  return record(y, "upsample_bilinear2x", {x},
                [shape = s](const Tensor& dy) { return Gradients{upsample_bilinear2x_gradient(dy, shape)}; });
}

}  // namespace weft
