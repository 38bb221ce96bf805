// y[n, 2i+a, 2j+b, c] = x[n, i, j, c]          a, b in {0, 1}
// dL/dx[n, i, j, c]   = sum over a, b of dL/dy[n, 2i+a, 2j+b, c]

#include "core/autograd.h"
#include "core/kernels/upsample.h"
#include "core/operation.h"
#include "core/ops.h"

namespace weft {
namespace {

Tensor upsample_nearest2x_gradient(const Tensor& dy, const Shape& shape) {
  const auto run = [](const Tensors& in, const Tensors& out) {
    const auto [n, h, w, c] = out[0].nhwc();
    dispatch_float(in[0].dtype(), "upsample_nearest2x_gradient", [&, n = n, h = h, w = w, c = c](auto zero) {
      using T = decltype(zero);
      kernels::upsample_nearest2x_adjoint(in[0].data<T>(), out[0].mutable_data<T>(), n, h, w, c);
    });
  };
  return apply({.name = "upsample_nearest2x_gradient", .run = run}, {dy}, TensorType{shape, dy.dtype()});
}

}  // namespace

Tensor upsample_nearest2x(const Tensor& x) {
  WEFT_CHECK(x.rank() == 4, "[upsample_nearest2x] expected [N, H, W, C], got {}", x.shape());
  const auto run = [](const Tensors& in, const Tensors& out) {
    const auto [n, h, w, c] = in[0].nhwc();
    dispatch_float(in[0].dtype(), "upsample_nearest2x", [&, n = n, h = h, w = w, c = c](auto zero) {
      using T = decltype(zero);
      kernels::upsample_nearest2x(in[0].data<T>(), out[0].mutable_data<T>(), n, h, w, c);
    });
  };
  const Shape& s = x.shape();
  const Tensor y =
      apply({.name = "upsample_nearest2x", .run = run}, {x}, TensorType{{s[0], 2 * s[1], 2 * s[2], s[3]}, x.dtype()});
  return record(y, "upsample_nearest2x", {x},
                [shape = s](const Tensor& dy) { return Gradients{upsample_nearest2x_gradient(dy, shape)}; });
}

}  // namespace weft
