// y[n, h, w, :] = (a[n, h, w, :], b[n, h, w, :], ...)
// dL/da = the first Ca channels of dL/dy, dL/db = the next Cb, ...
//
// The U-Net's skip connection: parts are [upsampled, encoder feature], in that order.

#include "core/autograd.h"
#include "core/kernels/concat.h"
#include "core/operation.h"
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

/// The channels [first, first + count) of each pixel, for all parts that are wanted, in one pass over dy.
Tensors split_channels(const Tensor& dy, const std::vector<Shape>& shapes, const std::vector<bool>& wanted) {
  std::vector<TensorType> types;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    if (wanted[i]) types.push_back({shapes[i], dy.dtype()});
  }
  const auto run = [shapes, wanted](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), "split_channels", [&](auto zero) {
      using T = decltype(zero);
      std::vector<kernels::Part<T>> into;
      std::size_t next = 0;
      for (std::size_t i = 0; i < shapes.size(); ++i)
        into.push_back({wanted[i] ? out[next++].mutable_data<T>() : nullptr, shapes[i][3]});
      const std::int64_t channels = in[0].size(3);
      kernels::split_rows(in[0].data<T>(), into, in[0].count() / channels, channels);
    });
  };
  std::vector<Attribute> attributes;
  for (std::size_t i = 0; i < shapes.size(); ++i)
    attributes.push_back({wanted[i] ? "part" : "unused", static_cast<double>(shapes[i][3])});
  return apply({.name = "split_channels", .run = run, .attributes = attributes}, {dy}, types);
}

}  // namespace

Tensor concat_channels(const Tensors& parts) {
  const auto run = [](const Tensors& in, const Tensors& out) {
    dispatch_float(out[0].dtype(), "concat_channels", [&](auto zero) {
      using T = decltype(zero);
      std::vector<kernels::Part<const T>> from;
      for (const Tensor& part : in) from.push_back({part.data<T>(), part.size(3)});
      const std::int64_t channels = out[0].size(3);
      if (out[0].count() > 0) kernels::join_rows(from, out[0].mutable_data<T>(), out[0].count() / channels, channels);
    });
  };
  const Shape shape = joined_shape(parts);
  const Tensor y = apply({.name = "concat_channels", .run = run}, parts, TensorType{shape, parts[0].dtype()});

  std::vector<Shape> shapes;
  std::vector<bool> needed;
  for (const Tensor& part : parts) {
    shapes.push_back(part.shape());
    needed.push_back(part.requires_grad());
  }
  return record(y, "concat_channels", parts, [shapes, needed](const Tensor& dy) {
    const Tensors wanted = split_channels(dy, shapes, needed);
    Gradients gradients(shapes.size());
    for (std::size_t i = 0, next = 0; i < shapes.size(); ++i) {
      if (needed[i]) gradients[i] = wanted[next++];
    }
    return gradients;
  });
}

}  // namespace weft
