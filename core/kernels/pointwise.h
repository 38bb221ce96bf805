#pragma once
// A 1x1 convolution without bias whose images are made while it reads them (pixel_source.h), and both its gradients in
// one pass over the pixels. An image is a matrix here:
//
//   y [pixels, c_out] = x w'          dx = dy w          dw = dy' x          w [c_out, c_in], x [pixels, c_in]
//
// A gradient that comes from a batch norm behind the convolution is made once for both products, and neither it nor a
// normalised x is ever stored. For weights that fit into the second-level cache beside their sums; with more,
// conv_igemm's two separate kernels are faster, and images so small stay in the caches anyway.

#include "core/kernels/clamp.h"
#include "core/kernels/conv.h"
#include "core/kernels/pixel_source.h"

namespace weft::kernels {

struct PointwiseProblem {
  std::int64_t pixels, c_in, c_out;
};

void pointwise_forward(const PixelSource& x, std::int64_t pixels, std::int64_t c_out, const float* w,
                       const ConvEpilogue<float>& epilogue, float* y);
/// dx [pixels, c_in] may be null where nobody wants it; `epilogue` is dx's, as for conv.h's input_gradient. dw is
/// overwritten.
void pointwise_backward(const PixelSource& x, const PixelSource& dy, std::int64_t pixels, const float* w,
                        const ConvEpilogue<float>& epilogue, float* dx, float* dw);

}  // namespace weft::kernels
