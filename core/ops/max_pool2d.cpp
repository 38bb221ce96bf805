// y[n, o, p, c] = max over the window of x[n, i, j, c]          i = o stride - padding + [0, kernel), j likewise
// dL/dx[n, i, j, c] = sum of dL/dy over the windows that x[n, i, j, c] won
//
// Of equals, the first in row order wins, as in PyTorch, so that each dL/dy goes to one place. The winner's place in
// its window is saved, one byte an output element: a quarter of what saving the output would take, and neither x nor y
// is kept.

#include "core/autograd.h"
#include "core/ops/pool2d.h"

namespace weft {
namespace {

Tensor max_pool2d_gradient(const Tensor& dy, const Tensor& places, const kernels::Pool2d& sizes,
                           const Pool2dOptions& options) {
  const auto run = [sizes](const Tensors& in, const Tensors& out) {
    const std::uint8_t* winners = in[1].data<std::uint8_t>();
    if (in[0].dtype() == DType::f32) {
      kernels::max_pool2d_adjoint(sizes, in[0].data<float>(), winners, nullptr, nullptr, out[0].mutable_data<float>());
    } else {
      kernels::max_pool2d_adjoint(sizes, in[0].data<double>(), winners, out[0].mutable_data<double>());
    }
  };
  return apply({.name = "max_pool2d_gradient", .run = run, .attributes = pool2d_attributes(options)}, {dy, places},
               TensorType{input_shape(sizes), dy.dtype()});
}

}  // namespace

Tensor max_pool2d(const Tensor& x, const Pool2dOptions& options) {
  const kernels::Pool2d sizes = pool2d_sizes("max_pool2d", x, options);
  WEFT_CHECK(options.kernel <= 16, "[max_pool2d] expected a kernel of at most 16 (places are kept in a byte), got {}",
             options.kernel);
  const auto run = [sizes](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), "max_pool2d", [&](auto zero) {
      using T = decltype(zero);
      kernels::max_pool2d(sizes, in[0].data<T>(), out[0].mutable_data<T>(),
                          out.size() > 1 ? out[1].mutable_data<std::uint8_t>() : nullptr);
    });
  };
  const Shape shape = output_shape(sizes);
  std::vector<TensorType> outputs{{shape, x.dtype()}};
  if (needs_recording({x})) outputs.push_back({shape, DType::u8});  // the winners' places
  const Tensors y = apply({.name = "max_pool2d", .run = run, .attributes = pool2d_attributes(options)}, {x}, outputs);
  if (y.size() == 1) return y[0];
  return record(y[0], "max_pool2d", {x}, [sizes, options, places = Saved(y[1])](const Tensor& dy) {
    return Gradients{max_pool2d_gradient(dy, places.get(), sizes, options)};
  });
}

}  // namespace weft
