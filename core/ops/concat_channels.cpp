// y[n, h, w, :] = (a[n, h, w, :], b[n, h, w, :], ...)
// dL/da = the first Ca channels of dL/dy, dL/db = the next Cb, ...
//
// The U-Net's skip connection: parts are [upsampled, encoder feature], in that order.

#include "core/autograd.h"
#include "core/kernels/concat.h"
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
      WEFT_CHECK(part.size(axis) == parts[0].size(axis), "[concat_channels] expected equal N, H and W, got {} and {}",
                 parts[0].shape(), part.shape());
    }
    channels += part.size(3);
  }
  return {parts[0].size(0), parts[0].size(1), parts[0].size(2), channels};
}

}  // namespace

Tensor concat_channels(const Tensors& parts) {
  const Shape shape = joined_shape(parts);
  Tensor y = Tensor::empty(shape, parts[0].dtype());
  const std::int64_t channels = shape[3], pixels = shape[0] * shape[1] * shape[2];
  dispatch_float(y.dtype(), "concat_channels", [&](auto zero) {
    using T = decltype(zero);
    std::vector<kernels::Part<const T>> from;
    for (const Tensor& part : parts) from.push_back({part.data<T>(), part.size(3)});
    kernels::join_rows(from, y.mutable_data<T>(), pixels, channels);
  });

  std::vector<Shape> shapes;
  std::vector<bool> needed;
  for (const Tensor& part : parts) {
    shapes.push_back(part.shape());
    needed.push_back(part.requires_grad());
  }
  return record(y, "concat_channels", parts, [shapes, needed, pixels, channels](const Tensor& dy) {
    Gradients gradients(shapes.size());
    dispatch_float(dy.dtype(), "concat_channels", [&](auto zero) {
      using T = decltype(zero);
      std::vector<kernels::Part<T>> into;
      for (std::size_t i = 0; i < shapes.size(); ++i) {
        if (needed[i]) gradients[i] = Tensor::empty(shapes[i], dy.dtype());
        into.push_back({needed[i] ? gradients[i].mutable_data<T>() : nullptr, shapes[i][3]});
      }
      kernels::split_rows(dy.data<T>(), into, pixels, channels);
    });
    return gradients;
  });
}

}  // namespace weft
