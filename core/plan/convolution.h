#pragma once
// Convolutions in the forms that rules give them.
//
//   conv2d_fused      y = clamp(conv2d(x, w) + bias + residual)       inputs x, w, bias, residual
//   conv2d_packed     the same from filters in their kernel's order    inputs x, packed, bias, residual
//
// Both are float32's. bias and residual may be missing; the attributes are conv2d's, and the clamp's bounds.

#include "core/kernels/clamp.h"
#include "core/ops/conv2d.h"
#include "core/plan/rewrite.h"

namespace weft {

/// A convolution of the graph: conv2d or one of the forms above but packed, float32.
struct ConvolutionStep {
  const Step* step = nullptr;  // null: it is none
  ConvProblem problem = {};
  Clamp clamp = {};

  explicit operator bool() const { return step != nullptr; }
  Value x() const { return step->inputs[0]; }
  Value weight() const { return step->inputs[1]; }
  Value bias() const { return step->inputs[2]; }
  Value residual() const { return step->inputs.size() > 3 ? step->inputs[3] : no_value; }
  Value output() const { return step->outputs[0]; }
  Conv2dOptions options() const { return conv_options(step->operation); }
};

ConvolutionStep convolution_of(const Rewrite& rewrite, const Step* step);

/// Calls replace(rewrite, step) for each convolution that convolution_of() may know, plain ones first.
template <class Replace>
void replace_convolutions(Rewrite& rewrite, Replace&& replace) {
  for (const char* name : {"conv2d", "conv2d_fused"}) {
    for (const Step* step : steps_named(rewrite.graph, name)) replace(rewrite, step);
  }
}

/// The clamp that an operation's attributes "lower" and "upper" say; none without them.
Clamp clamp_of(const Operation& operation);
void add_clamp(std::vector<Attribute>& attributes, Clamp clamp);

Operation conv2d_fused(const ConvProblem& problem, const Conv2dOptions& options, Clamp clamp);
Operation conv2d_packed(const ConvProblem& problem, const kernels::ConvAlgorithm& algorithm,
                        const Conv2dOptions& options, Clamp clamp);

/// "pack_filters": a weight in the order of the kernel.
Operation pack_filters(const ConvProblem& problem, const kernels::ConvAlgorithm& algorithm);

inline const float* floats_or_null(const Tensor& t) { return t.defined() ? t.data<float>() : nullptr; }

}  // namespace weft
