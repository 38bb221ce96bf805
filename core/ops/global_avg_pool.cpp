// y[n, c] = 1 / (H W) * sum over i, j of x[n, i, j, c]          dL/dx[n, i, j, c] = dL/dy[n, c] / (H W)
//
// A task is an image; it sums its pixels in order, in double.

#include "core/autograd.h"
#include "core/kernels/rows.h"
#include "core/operation.h"
#include "core/ops.h"

namespace weft {

Tensor global_avg_pool(const Tensor& x) {
  WEFT_CHECK(x.rank() == 4, "[global_avg_pool] expected [N, H, W, C], got {}", x.shape());
  const std::int64_t n = x.size(0), pixels = x.size(1) * x.size(2), c = x.size(3);
  WEFT_CHECK(pixels > 0, "[global_avg_pool] {} has no pixels to average", x.shape());

  const auto run = [n, pixels, c](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), "global_avg_pool", [&](auto zero) {
      using T = decltype(zero);
      const T* px = in[0].data<T>();
      T* py = out[0].mutable_data<T>();
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
  };
  const Tensor y = apply({.name = "global_avg_pool", .run = run}, {x}, TensorType{{n, c}, x.dtype()});
  return record(y, "global_avg_pool", {x}, [shape = x.shape(), pixels](const Tensor& dy) {
    const auto spread = [pixels](const Tensors& in, const Tensors& out) {
      dispatch_float(in[0].dtype(), "global_avg_pool_gradient", [&](auto zero) {
        using T = decltype(zero);
        const T share = static_cast<T>(1.0 / static_cast<double>(pixels));
        const T* from = in[0].data<T>();
        T* into = out[0].mutable_data<T>();
        const std::int64_t channels = out[0].size(3);
        kernels::parallel_rows(out[0].size(0) * pixels, channels, [&](std::int64_t row) {
          const T* gradient = from + row / pixels * channels;
          for (std::int64_t k = 0; k < channels; ++k) into[row * channels + k] = share * gradient[k];
        });
      });
    };
    return Gradients{apply({.name = "global_avg_pool_gradient", .run = spread}, {dy}, TensorType{shape, dy.dtype()})};
  });
}

}  // namespace weft
