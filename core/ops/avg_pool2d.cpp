// y[n, o, p, c]     = 1 / kernel^2 * sum of x[n, i, j, c] over i = o stride - padding + [0, kernel), j likewise
// dL/dx[n, i, j, c] = 1 / kernel^2 * sum of dL/dy over the windows that hold (i, j)
//
// The padding counts as zeros in the mean (PyTorch's count_include_pad = True), so every window divides by kernel^2.

#include "core/autograd.h"
#include "core/ops/pool2d.h"

namespace weft {

Tensor avg_pool2d(const Tensor& x, const Pool2dOptions& options) {
  const kernels::Pool2d sizes = pool2d_sizes("avg_pool2d", x, options);
  const auto run = [sizes](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), "avg_pool2d", [&](auto zero) {
      using T = decltype(zero);
      kernels::avg_pool2d(sizes, in[0].data<T>(), out[0].mutable_data<T>());
    });
  };
  const Tensor y = apply({.name = "avg_pool2d", .run = run, .attributes = pool2d_attributes(options)}, {x},
                         TensorType{output_shape(sizes), x.dtype()});
  return record(y, "avg_pool2d", {x}, [sizes, options](const Tensor& dy) {
    const auto adjoint = [sizes](const Tensors& in, const Tensors& out) {
      dispatch_float(in[0].dtype(), "avg_pool2d_gradient", [&](auto zero) {
        using T = decltype(zero);
        kernels::avg_pool2d_adjoint(sizes, in[0].data<T>(), out[0].mutable_data<T>());
      });
    };
    return Gradients{apply({.name = "avg_pool2d_gradient", .run = adjoint, .attributes = pool2d_attributes(options)},
                           {dy}, TensorType{input_shape(sizes), dy.dtype()})};
  });
}

}  // namespace weft
