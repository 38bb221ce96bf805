#pragma once
// MobileNetV2's inverted residual block as one operation, for inference: core/kernels/inverted_residual.h has its
// formulas. Records no gradient.

#include "core/tensor.h"

namespace weft {

/// A block's weights, batch norm folded in, in the order that the kernel reads them.
class PackedInvertedResidual {
 public:
  /// A convolution's weight in OIHW and its bias.
  struct Layer {
    Tensor weight, bias;
  };

  PackedInvertedResidual() = default;
  /// float32. `expand` [c_mid, c_in, 1, 1], or undefined tensors where there is no expansion; `depthwise`
  /// [c_mid, 1, 3, 3] with padding 1; `project` [c_out, c_mid, 1, 1]; each with a bias [its output channels].
  PackedInvertedResidual(const Layer& expand, const Layer& depthwise, const Layer& project, std::int64_t stride,
                         bool has_shortcut);

  /// False before anything is packed, and where the instruction set has been switched since.
  bool is_ready() const;
  /// x [N, H, W, c_in] -> [N, ceil(H / stride), ceil(W / stride), c_out].
  Tensor forward(const Tensor& x) const;

 private:
  std::string isa_;
  std::int64_t c_in_ = 0, c_mid_ = 0, c_out_ = 0, stride_ = 1;
  bool has_expansion_ = false, has_shortcut_ = false;
  Tensor packed_;
};

}  // namespace weft
