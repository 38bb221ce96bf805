// y[n, c] = 1 / (H W) * sum over i, j of x[n, i, j, c]          dL/dx[n, i, j, c] = dL/dy[n, c] / (H W)
//
// A task is an image; it sums its pixels in order, in double.

#include "core/autograd.h"
#include "core/kernels/rows.h"
#include "core/ops.h"

namespace weft {

Tensor global_avg_pool(const Tensor& x) {
  WEFT_CHECK(x.rank() == 4, "[global_avg_pool] expected [N, H, W, C], got {}", x.shape());
  const std::int64_t n = x.size(0), pixels = x.size(1) * x.size(2), c = x.size(3);
  WEFT_CHECK(pixels > 0, "[global_avg_pool] {} has no pixels to average", x.shape());

  Tensor y = Tensor::empty({n, c}, x.dtype());
  dispatch_float(x.dtype(), "global_avg_pool", [&](auto zero) {
    using T = decltype(zero);
    const T* px = x.data<T>();
    T* py = y.mutable_data<T>();
    parallel_for(n, [&](std::int64_t image) {
      std::vector<double> sums(static_cast<std::size_t>(c));
      for (std::int64_t i = 0; i < pixels; ++i) {
        const T* pixel = px + (image * pixels + i) * c;
        for (std::int64_t k = 0; k < c; ++k) sums[static_cast<std::size_t>(k)] += static_cast<double>(pixel[k]);
      }
      for (std::int64_t k = 0; k < c; ++k)
        py[image * c + k] = static_cast<T>(sums[static_cast<std::size_t>(k)] / static_cast<double>(pixels));
    });
  });

  return record(y, "global_avg_pool", {x}, [shape = x.shape(), pixels, c](const Tensor& dy) {
    Tensor dx = Tensor::empty(shape, dy.dtype());
    const Tensor share = scale(dy, 1.0 / static_cast<double>(pixels));
    dispatch_float(dy.dtype(), "global_avg_pool", [&](auto zero) {
      using T = decltype(zero);
      const T* from = share.data<T>();
      T* into = dx.mutable_data<T>();
      kernels::parallel_rows(shape[0] * pixels, c,
                             [&](std::int64_t row) { std::copy_n(from + row / pixels * c, c, into + row * c); });
    });
    return Gradients{dx};
  });
}

}  // namespace weft
