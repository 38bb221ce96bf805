#pragma once
// A convolution that runs many times with the same filters: they are put into the order that its kernel reads them
// once. For inference; records no gradient.

#include <span>
#include <vector>

#include "core/kernels/conv.h"
#include "core/ops/old.h"

namespace weft {

namespace kernels {
struct ConvStep;
}
class PackedConv;

/// One of several convolutions that follow each other.
struct PackedStep {
  const PackedConv* conv;
  Clamp clamp;
};

/// The last of them, applied to what the one before makes, and so on; the first reads x [N, H, W, Cin], and where it
/// was made for upsampled channels, x upsampled, without a skip. In one pass where the kernels can
/// (core/kernels/conv_chain.h). Only where all are ready. Throws Error as PackedConv::forward().
Tensor forward_chain(std::span<const PackedStep> steps, const Tensor& x);

class PackedConv {
 public:
  PackedConv() = default;
  /// For conv2d(x, weight, bias, options), or, with upsampled_channels > 0, for upsample_conv2d(x, skip, weight) + bias
  /// where x has so many channels. float64 filters are kept as they are.
  PackedConv(const Tensor& weight, const Tensor& bias, const Conv2dOptions& options,
             std::int64_t upsampled_channels = 0);

  /// False before anything is packed, and where the instruction set has been switched since.
  bool is_ready() const;
  /// clamp(conv2d(x) + bias + residual): x [N, H, W, Cin] -> [N, OH, OW, Cout] as conv2d has it; `residual`, of
  /// the result's shape, may be undefined. Only where is_ready(). Throws Error for shapes that don't fit, or without
  /// output.
  Tensor forward(const Tensor& x, Clamp clamp, const Tensor& residual = Tensor()) const;
  /// clamp(upsample_conv2d(x, skip) + bias): x [N, H, W, C], skip [N, 2H, 2W, Cskip] or undefined ->
  /// [N, 2H, 2W, Cout]. Only where is_ready(). Throws Error as forward().
  Tensor forward_upsampled(const Tensor& x, const Tensor& skip, Clamp clamp) const;

 private:
  friend Tensor forward_chain(std::span<const PackedStep> steps, const Tensor& x);
  /// forward(), or where this was made for upsampled channels forward_upsampled() without a skip.
  Tensor forward_alone(const Tensor& x, Clamp clamp) const;
  /// The steps for an x of that shape as conv_chain.h wants them; none where one of them is not a kernel's.
  static std::vector<kernels::ConvStep> chain_of(std::span<const PackedStep> steps, Shape shape);

  const kernels::ConvAlgorithm* algorithm_ = nullptr;  // null for float64, and where is_upsampling_
  std::int64_t upsampled_channels_ = 0;
  bool is_upsampling_ = false;  // packed for core/kernels/conv_upsample.h
  std::string isa_;
  Shape shape_;  // of the weight
  Tensor filters_, bias_;
  Conv2dOptions options_;
};

}  // namespace weft
