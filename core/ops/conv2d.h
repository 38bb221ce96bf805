#pragma once
// The operations that conv2d and conv_transpose2d are made of: each is the other's gradient in x, so both come down to
// the three functions of one ConvProblem (core/kernels/conv.h). float32 takes the fastest algorithm that supports the
// problem, float64 the textbook loops.

#include "core/kernels/conv.h"
#include "core/operation.h"
#include "core/ops.h"

namespace weft [[gnu::visibility("hidden")]] {  // between operations and plans: not for users of the library

using kernels::ConvProblem;

/// The problem of convolving an input of shape `x` with weights of shape `weight`. Throws Error where they don't fit.
ConvProblem conv_problem(const Shape& x, const Shape& weight, const Conv2dOptions& options);
/// What an operation on convolutions says of stride, padding, dilation and groups, and back.
std::vector<Attribute> conv_attributes(const Conv2dOptions& options);
Conv2dOptions conv_options(const Operation& operation);
/// What a profile says of a convolution.
void describe_conv(ProfileEntry& entry, const ConvProblem& p, const char* algorithm);

/// Scratch space of a convolution that packs its filters, and of its input gradient: these in their kernel's order, and
/// a sixteenth more for tiles and sums on their way, which is enough where the filters are many.
std::int64_t packing_bytes(const ConvProblem& p);
constexpr std::int64_t with_tiles(std::int64_t packed_bytes) { return packed_bytes + packed_bytes / 16; }

/// dx, of the shape of x, from dy and w: "conv2d_input_gradient".
Tensor conv2d_input_gradient(const Tensor& dy, const Tensor& weight, const Shape& x, const Conv2dOptions& options);
/// dw, of the shape of the weight, from x and dy: "conv2d_weight_gradient".
Tensor conv2d_weight_gradient(const Tensor& x, const Tensor& dy, const Shape& weight, const Conv2dOptions& options);
/// db [C]: dy [..., C] summed over all but the last axis: "bias_gradient".
Tensor bias_gradient(const Tensor& dy);

}  // namespace weft
