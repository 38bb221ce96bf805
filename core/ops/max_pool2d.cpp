// y[n, o, p, c] = max over the window of x[n, i, j, c]          i = o stride - padding + [0, kernel), j likewise
// dL/dx[n, i, j, c] = sum of dL/dy over the windows that x[n, i, j, c] won
//
// Of equals, the first in row order wins, as in PyTorch, so that each dL/dy goes to one place. The winner's place in
// its window is saved, one byte an output element: a quarter of what saving the output would take, and neither x nor y
// is kept.

#include <memory>

#include "core/allocator.h"
#include "core/autograd.h"
#include "core/ops/gradient_place.h"
#include "core/ops/pool2d.h"
#include "core/pass_profile.h"

namespace weft {
namespace {

/// Bytes from the cache of tensor memory, freed with the last copy of the pointer.
std::shared_ptr<std::uint8_t> allocate_bytes(std::int64_t count) {
  return {static_cast<std::uint8_t*>(cached_allocate(static_cast<std::size_t>(count))), cached_free};
}

Shape input_shape(const kernels::Pool2d& sizes) { return {sizes.n, sizes.h, sizes.w, sizes.c}; }

/// Including what other consumers of x contributed before.
Tensor float_gradient(const kernels::Pool2d& sizes, const Tensor& dy, const std::uint8_t* winners,
                      const std::weak_ptr<Node>& x) {
  const GradientPlace place(x, input_shape(sizes), DType::f32);
  const double share = static_cast<double>(dy.count()) / static_cast<double>(place.dx.count());
  const ProfileScope scope(describe_pass("max_pool2d dx", place.dx, (place.holds_others ? 2 : 1) + share));
  float* dx = place.dx.mutable_data<float>();
  kernels::max_pool2d_adjoint(sizes, dy.data<float>(), winners, place.holds_others ? dx : nullptr,
                              sums_over_gradient(x, place.dx), dx);
  return place.dx;
}

Tensor double_gradient(const kernels::Pool2d& sizes, const Tensor& dy, const std::uint8_t* winners) {
  const Tensor dx = Tensor::empty(input_shape(sizes), DType::f64);
  kernels::max_pool2d_adjoint(sizes, dy.data<double>(), winners, dx.mutable_data<double>());
  return dx;
}

}  // namespace

Tensor max_pool2d(const Tensor& x, const Pool2dOptions& options) {
  const kernels::Pool2d sizes = pool2d_sizes("max_pool2d", x, options);
  WEFT_CHECK(options.kernel <= 16, "[max_pool2d] expected a kernel of at most 16 (places are kept in a byte), got {}",
             options.kernel);

  Tensor y = Tensor::empty({sizes.n, sizes.oh, sizes.ow, sizes.c}, x.dtype());
  const auto winners = needs_recording({x}) ? allocate_bytes(y.count()) : nullptr;
  const double share = static_cast<double>(y.count()) / static_cast<double>(x.count());  // y against x
  const ProfileScope scope(describe_pass("max_pool2d", x, 1 + share));
  dispatch_float(x.dtype(), "max_pool2d", [&](auto zero) {
    using T = decltype(zero);
    kernels::max_pool2d(sizes, x.data<T>(), y.mutable_data<T>(), winners.get());
  });

  return record(y, "max_pool2d", {x},
                [sizes, winners, x_node = std::weak_ptr(x.node())](const Tensor& dy) {
                  return Gradients{dy.dtype() == DType::f32 ? float_gradient(sizes, dy, winners.get(), x_node)
                                                            : double_gradient(sizes, dy, winners.get())};
                },
                {{"kernel", static_cast<double>(options.kernel)},
                 {"stride", static_cast<double>(options.stride)},
                 {"padding", static_cast<double>(options.padding)}});
}

}  // namespace weft
