// y[n, h, w, :] = (a[n, h, w, :], b[n, h, w, :], ...)          dL/da = the first Ca channels of dL/dy, dL/db = the next Cb, ...
//
// The U-Net's skip connection: parts are [upsampled, encoder feature], in that order.

#include "core/autograd.h"
#include "core/kernels/rows.h"
#include "core/ops.h"

namespace weft {
namespace {

/// The output's shape, all parts being [N, H, W, Ci] with the same N, H, W.
Shape joined_shape(const Tensors& parts) {
  WEFT_CHECK(!parts.empty(), "[concat_channels] expected at least one tensor, got none");
  std::int64_t channels = 0;
  for (const Tensor& part : parts) {
    check_same_dtype("concat_channels", {parts[0], part});
    WEFT_CHECK(part.rank() == 4, "[concat_channels] expected [N, H, W, C], got {}", part.shape());
    for (int axis = 0; axis < 3; ++axis) {
      WEFT_CHECK(part.size(axis) == parts[0].size(axis), "[concat_channels] expected equal N, H and W, got {} and {}", parts[0].shape(),
                 part.shape());
    }
    channels += part.size(3);
  }
  return {parts[0].size(0), parts[0].size(1), parts[0].size(2), channels};
}

/// The channels [first, first + shape's C) of dy.
Tensor channels_of(const Tensor& dy, std::int64_t first, const Shape& shape) {
  Tensor part = Tensor::empty(shape, dy.dtype());
  dispatch_float(dy.dtype(), "concat_channels", [&](auto zero) {
    using T = decltype(zero);
    const auto [n, h, w, c] = dy.nhwc();
    kernels::copy_columns(dy.data<T>() + first, c, part.mutable_data<T>(), shape[3], shape[3], n * h * w);
  });
  return part;
}

}  // namespace

Tensor concat_channels(const Tensors& parts) {
  const Shape shape = joined_shape(parts);
  Tensor y = Tensor::empty(shape, parts[0].dtype());
  dispatch_float(y.dtype(), "concat_channels", [&](auto zero) {
    using T = decltype(zero);
    const auto [n, h, w, c] = y.nhwc();
    T* into = y.mutable_data<T>();
    for (const Tensor& part : parts) {
      kernels::copy_columns(part.data<T>(), part.size(3), into, c, part.size(3), n * h * w);
      into += part.size(3);
    }
  });

  std::vector<Shape> shapes;
  std::vector<bool> needed;
  for (const Tensor& part : parts) {
    shapes.push_back(part.shape());
    needed.push_back(part.requires_grad());
  }
  return record(y, "concat_channels", parts, [shapes, needed](const Tensor& dy) {
    Gradients gradients(shapes.size());
    std::int64_t first = 0;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      if (needed[i]) gradients[i] = channels_of(dy, first, shapes[i]);
      first += shapes[i][3];
    }
    return gradients;
  });
}

}  // namespace weft
