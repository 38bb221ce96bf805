// y[n, top + i, left + j, c] = x[n, i, j, c], zero elsewhere          dL/dx = the window of dL/dy where x was put
//
// crop2d is the adjoint: each operation is the other's gradient.

#include "core/autograd.h"
#include "core/kernels/rows.h"
#include "core/operation.h"
#include "core/ops.h"

namespace weft {

Tensor pad2d(const Tensor& x, std::int64_t top, std::int64_t bottom, std::int64_t left, std::int64_t right) {
  WEFT_CHECK(x.rank() == 4, "[pad2d] expected [N, H, W, C], got {}", x.shape());
  WEFT_CHECK(std::min({top, bottom, left, right}) >= 0,
             "[pad2d] expected padding of 0 or more, got top {}, bottom {}, left {}, right {}", top, bottom, left,
             right);
  const std::int64_t h = x.size(1), w = x.size(2), c = x.size(3);
  const auto run = [=](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), "pad2d", [&](auto zero) {
      using T = decltype(zero);
      const T* px = in[0].data<T>();
      T* py = out[0].mutable_data<T>();
      const std::int64_t out_height = out[0].size(1), out_width = out[0].size(2);
      kernels::parallel_rows(out[0].size(0) * out_height, out_width * c, [&](std::int64_t row) {
        const std::int64_t image = row / out_height, i = row % out_height - top;
        T* into = py + row * out_width * c;
        if (i < 0 || i >= h) {
          std::fill_n(into, out_width * c, T(0));
          return;
        }
        std::fill_n(into, left * c, T(0));
        std::copy_n(px + (image * h + i) * w * c, w * c, into + left * c);
        std::fill_n(into + (left + w) * c, right * c, T(0));
      });
    });
  };
  const Tensor y = apply({.name = "pad2d",
                          .run = run,
                          .attributes = {{"top", static_cast<double>(top)},
                                         {"bottom", static_cast<double>(bottom)},
                                         {"left", static_cast<double>(left)},
                                         {"right", static_cast<double>(right)}}},
                         {x}, TensorType{{x.size(0), top + h + bottom, left + w + right, c}, x.dtype()});
  return record(y, "pad2d", {x}, [=](const Tensor& dy) { return Gradients{crop2d(dy, top, left, h, w)}; });
}

}  // namespace weft
