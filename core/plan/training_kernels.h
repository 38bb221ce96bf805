#pragma once
// The kernels of a training step, as storing kernels (core/plan/storing.h): convolutions, their gradients, and those
// that make the pixels of an image as they read it (core/kernels/pixel_source.h), so that neither a normalised image
// nor the gradient of one is stored.

#include "core/kernels/conv_upsample.h"
#include "core/ops/conv2d.h"
#include "core/plan/storing.h"

namespace weft {

using Kernel = std::shared_ptr<const StoringKernel>;

/// The kernel of a step that has one, or of one of the plain operations conv2d, conv2d_input_gradient and
/// max_pool2d_gradient in float32; null for all others.
Kernel kernel_of(const Rewrite& rewrite, const Step& step);

/// The step that makes dx where `weight`, a conv2d_weight_gradient, makes dw: from the same dy, for the same shapes and
/// options, and from the filters `w`, where these are given. Two convolutions whose outputs are added have one dy, so
/// all of this is compared. Null where there is none.
const Step* input_gradient_beside(const Graph& graph, const Step& weight, Value w = no_value);

/// An image as a kernel reads it.
struct Source {
  enum class Kind {
    stored,      // one input: the image
    normalised,  // h, mean, inv_std, factor, offset: clamp(h factor + offset)
    gradient     // dz, h, mean, inv_std, factor, offset, dgamma, dbeta: batch norm's input gradient
  };
  Kind kind = Kind::stored;
  Clamp clamp = {};

  std::size_t inputs() const { return kind == Kind::stored ? 1 : kind == Kind::normalised ? 5 : 8; }
};

/// conv2d of a normalised image, by the convolution's own algorithm. Inputs: h, mean, inv_std, factor, offset, w.
Kernel conv2d_of_normalised(const ConvProblem& p, const Conv2dOptions& options, Clamp clamp);
/// The same for 1x1 and for depthwise convolutions.
Kernel pointwise_of_normalised(const ConvProblem& p, const Conv2dOptions& options, Clamp clamp);
Kernel depthwise_of_normalised(const ConvProblem& p, const Conv2dOptions& options, Clamp clamp);
/// Its weight gradient: h, mean, inv_std, factor, offset, dy -> dw.
Operation weight_gradient_of_normalised(const ConvProblem& p, const Conv2dOptions& options, Clamp clamp);

/// Both gradients of a 1x1 or a depthwise convolution in one pass. Inputs: those of x, those of dy, w -> dx, dw.
Kernel both_gradients(const ConvProblem& p, const Conv2dOptions& options, bool is_depthwise, const Source& x,
                      const Source& dy);

/// A decoder's first convolution and its gradients. x, skip, w -> y; dy, w -> dx; dy, w -> dskip; x, skip, dy -> dw.
Kernel upsample_conv2d_kernel(const kernels::UpsampleConvProblem& p);
Kernel upsample_input_gradient_kernel(const kernels::UpsampleConvProblem& p);
Kernel upsample_skip_gradient_kernel(const kernels::UpsampleConvProblem& p);
Operation upsample_weight_gradient(const kernels::UpsampleConvProblem& p);

/// True where a convolution is of the form that an upsampling convolution computes: 3x3, stride 1, padding 1.
bool has_upsampled_form(const ConvProblem& p);
/// The convolution `p` of x upsampled, joined with as many channels of a skip as are missing.
kernels::UpsampleConvProblem upsample_problem(const Shape& x, const ConvProblem& p);

/// What a profile says of an upsampling convolution.
void describe_upsample(const kernels::UpsampleConvProblem& p, std::int64_t channels, ProfileEntry& entry);

/// True where one kernel should make both gradients: core/plan/rules/both_gradients.cpp.
bool gradients_in_one_pass(const ConvProblem& p);

/// The clamp behind the batch norm that a conv2d_gradients step normalises x by.
Clamp normalised_clamp_of(const Operation& operation);

bool is_pointwise(const ConvProblem& p);
/// 3x3, padding 1, stride 1 or 2, one filter a channel.
bool is_depthwise(const ConvProblem& p);

}  // namespace weft
