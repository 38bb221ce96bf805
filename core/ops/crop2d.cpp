// y[n, i, j, c] = x[n, top + i, left + j, c]          dL/dx = dL/dy put back in its window, zero elsewhere
//
// pad2d is the adjoint: each operation is the other's gradient.

#include "core/autograd.h"
#include "core/kernels/rows.h"
#include "core/operation.h"
#include "core/ops.h"

namespace weft {

Tensor crop2d(const Tensor& x, std::int64_t top, std::int64_t left, std::int64_t height, std::int64_t width) {
  WEFT_CHECK(x.rank() == 4, "[crop2d] expected [N, H, W, C], got {}", x.shape());
  const std::int64_t n = x.size(0), h = x.size(1), w = x.size(2), c = x.size(3);
  WEFT_CHECK(top >= 0 && left >= 0 && height >= 0 && width >= 0 && top <= h - height && left <= w - width,
             "[crop2d] the window of height {} and width {} at row {}, column {} leaves the image {}", height, width,
             top, left, x.shape());
  const auto run = [=](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), "crop2d", [&](auto zero) {
      using T = decltype(zero);
      const T* px = in[0].data<T>();
      T* py = out[0].mutable_data<T>();
      kernels::parallel_rows(n * height, width * c, [&](std::int64_t row) {
        const std::int64_t image = row / height, i = top + row % height;
        std::copy_n(px + ((image * h + i) * w + left) * c, width * c, py + row * width * c);
      });
    });
  };
  const Tensor y = apply({.name = "crop2d",
                          .run = run,
                          .attributes = {{"top", static_cast<double>(top)}, {"left", static_cast<double>(left)}}},
                         {x}, TensorType{{n, height, width, c}, x.dtype()});
  return record(y, "crop2d", {x}, [=, bottom = h - height - top, right = w - width - left](const Tensor& dy) {
    return Gradients{pad2d(dy, top, bottom, left, right)};
  });
}

}  // namespace weft
