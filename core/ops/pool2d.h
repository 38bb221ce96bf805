#pragma once
// The shape rule that max_pool2d and avg_pool2d share: OH = floor((H + 2 padding - kernel) / stride) + 1.

#include "core/kernels/pooling.h"
#include "core/operation.h"
#include "core/ops.h"

namespace weft {

inline std::vector<Attribute> pool2d_attributes(const Pool2dOptions& options) {
  return {{"kernel", static_cast<double>(options.kernel)},
          {"stride", static_cast<double>(options.stride)},
          {"padding", static_cast<double>(options.padding)}};
}

inline Shape input_shape(const kernels::Pool2d& sizes) { return {sizes.n, sizes.h, sizes.w, sizes.c}; }
inline Shape output_shape(const kernels::Pool2d& sizes) { return {sizes.n, sizes.oh, sizes.ow, sizes.c}; }

/// The sizes of pooling x. Throws Error naming `op` where the options don't fit it.
inline kernels::Pool2d pool2d_sizes(const char* op, const Tensor& x, const Pool2dOptions& options) {
  const auto [kernel, stride, padding] = options;
  WEFT_CHECK(x.rank() == 4, "[{}] expected [N, H, W, C], got {}", op, x.shape());
  WEFT_CHECK(kernel >= 1 && stride >= 1 && padding >= 0 && padding <= kernel / 2,
             "[{}] expected kernel and stride of 1 or more and padding of 0 to kernel / 2, got kernel {}, stride {}, "
             "padding {}",
             op, options.kernel, options.stride, options.padding);
  const auto [n, h, w, c] = x.nhwc();
  WEFT_CHECK(h > 0 && w > 0 && kernel <= h + 2 * padding && kernel <= w + 2 * padding,
             "[{}] a window of {} x {} does not fit {} with padding {}", op, options.kernel, options.kernel, x.shape(),
             options.padding);
  const std::int64_t oh = (h + 2 * padding - kernel) / stride + 1, ow = (w + 2 * padding - kernel) / stride + 1;
  return {n, h, w, c, kernel, stride, padding, oh, ow};
}

}  // namespace weft
