#pragma once
// MobileNetV2's block at inference, in one pass that never stores its expanded tensor:
//
//   e = clamp(x We + be)              [n, h, w, c_mid]     1x1; without it e = x
//   d = clamp(depthwise(e, wd) + bd)  [n, oh, ow, c_mid]   3x3, stride 1 or 2, padding 1
//   y = d Wp + bp (+ x)               [n, oh, ow, c_out]   1x1
//
// Batch norm is folded into the weights beforehand. The loops are in core/kernels/isa/inverted_residual.cpp;
// specification and test: the three convolutions one by one.

#include <cstdint>

#include "core/kernels/clamp.h"

namespace weft::kernels {

struct InvertedResidualProblem {
  std::int64_t n = 1, h = 1, w = 1;
  std::int64_t c_in = 1, c_mid = 1, c_out = 1;
  std::int64_t stride = 1;
  bool has_expansion = true;  // else c_mid == c_in
  Clamp expand_clamp = relu6_clamp, depthwise_clamp = relu6_clamp;
  bool has_shortcut = false;  // then stride is 1 and c_out == c_in

  // Not inline: objects of several instruction sets include this header (see isa.h).
  std::int64_t out_h() const;
  std::int64_t out_w() const;
  /// Multiply-adds of the three convolutions.
  std::int64_t multiply_adds() const;
};

/// Weights as convolutions have them (OIHW), each with its bias.
struct InvertedResidualWeights {
  const float *expand, *expand_bias;        // [c_mid, c_in], [c_mid]; null without expansion
  const float *depthwise, *depthwise_bias;  // [c_mid, 3, 3], [c_mid]
  const float *project, *project_bias;      // [c_out, c_mid], [c_out]
};

/// All weights in the order that the kernel reads them, which depends on the instruction set and the channels alone.
std::int64_t inverted_residual_packed_floats(const InvertedResidualProblem& p);
void inverted_residual_pack(const InvertedResidualProblem& p, const InvertedResidualWeights& weights, float* packed);
/// y from x; they may not overlap.
void inverted_residual_forward(const InvertedResidualProblem& p, const float* x, const float* packed, float* y);

}  // namespace weft::kernels
