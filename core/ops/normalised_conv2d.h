#pragma once
// A convolution of a normalised image that is never stored:
//
//   y = conv2d(act(batch_norm(x)), weight)         in training
//
// The same as batch_norm and conv2d one after the other, which define it and test it, to the bit. But the kernels of
// the convolution and of its weight gradient normalise the pixels of x as they load them (core/kernels/pixel_source.h).
// That saves a pass that reads x and writes as much, and between the passes the memory of one image in two.

#include "core/ops/old_batch_norm.h"

namespace weft {

/// An image that its batch norm has still to normalise.
struct UnnormalisedImage {
  Tensor x;                           // [N, H, W, C]
  ChannelStatistics statistics = {};  // of x, where they are known
  BatchNormTensors norm = {};
  OldBatchNormOptions options = {};
};

/// True where normalised_conv2d can take the place of the two operations: in training, in float32, and where the
/// convolution's algorithm can normalise as it reads (Winograd's can).
bool normalised_conv2d_supports(const UnnormalisedImage& image, const Tensor& weight, const Conv2dOptions& options);

/// y [N, OH, OW, Cout] without a bias; `statistics`, where not null, receives y's. Moves the running statistics. Throws
/// Error where the shapes don't fit or normalised_conv2d_supports says no.
Tensor normalised_conv2d(const UnnormalisedImage& image, const Tensor& weight, const Conv2dOptions& options,
                         ChannelStatistics* statistics = nullptr);

}  // namespace weft
