#pragma once
// MobileNetV2's block in training (Sandler et al. 2018), without its last batch norm:
//
//   h = x We                      [N, H, W, Cmid]     1x1; without an expansion h is x itself and e = x
//   e = relu6(batch_norm(h))
//   d = depthwise(e, wd)          [N, OH, OW, Cmid]   3x3, padding 1
//   y = relu6(batch_norm(d)) Wp   [N, OH, OW, Cout]   1x1
//
// The same as conv2d and batch_norm one after the other, which define it and test it. But the normalised images, and
// the gradients of h and d, are six times as large as x and y, and here are never stored: each kernel makes the rows
// that it reads (core/kernels/pixel_source.h). That halves what the block moves through memory in a step. For inference
// there is packed_inverted_residual.h, which needs no statistics and stores none of the large images.

#include "core/ops/old_batch_norm.h"

namespace weft {

/// A convolution's weight, and the batch norm that follows it.
struct NormalisedConv {
  Tensor weight;
  BatchNormTensors norm = {};
};

/// y; `statistics`, where not null, receives y's. x [N, H, W, Cin]; weights [Cmid, Cin, 1, 1] (an undefined one: no
/// expansion), [Cmid, 1, 3, 3] and `project` [Cout, Cmid, 1, 1]. `options` are both batch norms': training, and relu6
/// as activation. float32 only. Throws Error for anything else.
Tensor inverted_residual(const Tensor& x, const NormalisedConv& expand, const NormalisedConv& depthwise,
                         const Tensor& project, std::int64_t stride, const OldBatchNormOptions& options,
                         ChannelStatistics* statistics = nullptr);

/// True where inverted_residual is faster than the operations that it stands for: not with so many channels that their
/// weights' sums leave the near caches. Images are small then, and stay there. The projection decides, which in
/// MobileNetV2 is never the smaller of the two 1x1 convolutions.
bool inverted_residual_is_preferred(std::int64_t c_mid, std::int64_t c_out);

}  // namespace weft
