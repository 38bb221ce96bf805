#pragma once
// What conv2d and conv_transpose2d share: each is the other's gradient in x, so both come down to the three
// functions of one ConvProblem (core/kernels/conv.h). float32 takes the fastest algorithm that supports the
// problem, float64 the textbook loops.

#include "core/kernels/batch_norm.h"
#include "core/kernels/conv.h"
#include "core/ops/old.h"
#include "core/ops/conv2d.h"
#include "core/ops/gradient_place.h"

namespace weft {

struct ProfileEntry;

/// What a profile says of a convolution.
void old_describe_conv(ProfileEntry& entry, const char* op, const ConvProblem& p, const char* algorithm);
/// bias and residual may be undefined.
template <class T>
kernels::ConvEpilogue<T> conv_epilogue(const Tensor& bias, const Tensor& residual, Clamp clamp) {
  return {bias.defined() ? bias.data<T>() : nullptr, residual.defined() ? residual.data<T>() : nullptr, clamp};
}

/// Calls store(taken) for a float output y [..., C] and, where `statistics` is not null, fills them if the
/// kernel has taken them.
template <class Store>
void store_with_statistics(const Tensor& y, ChannelStatistics* statistics, Store&& store) {
  if (statistics == nullptr) return store(nullptr);
  const std::int64_t channels = y.size(-1);
  kernels::OutputStatistics taken(channels);
  store(&taken);
  if (!taken.are_taken()) return;  // batch_norm takes them itself
  *statistics = {Tensor::empty({channels}), Tensor::empty({channels})};
  taken.result(statistics->mean.mutable_data<float>(), statistics->var.mutable_data<float>());
}

/// y [N, OH, OW, Cout] = clamp(conv(x, w) + bias + residual); bias and residual may be undefined.
Tensor conv_forward(const char* op, const ConvProblem& p, const Tensor& x, const Tensor& w, const Tensor& bias,
                    const Tensor& residual = Tensor(), Clamp clamp = no_clamp,
                    ChannelStatistics* statistics = nullptr);
/// For the kernel that stores x's gradient to `values`, which are place.dx's, opened for writing: what there is to add,
/// and the sums to take where the result is x's whole gradient.
template <class T>
kernels::ConvEpilogue<T> gradient_epilogue(const std::weak_ptr<Node>& x, const GradientPlace& place, const T* values) {
  return {nullptr, place.holds_others ? values : nullptr, no_clamp, sums_over_gradient(x, place.dx)};
}
/// What a profile says of it: one more image is read.
void describe_addition(ProfileEntry& entry, const GradientPlace& place);

/// dx [N, H, W, Cin] from dy and w, including what other consumers of x contributed before (take_gradient_so_far). `x`
/// is the node that made x, if any.
Tensor conv_input_gradient(const char* op, const ConvProblem& p, const Tensor& dy, const Tensor& w,
                           const std::weak_ptr<Node>& x = {});
/// dw, in the shape of the weight, from x and dy.
Tensor conv_weight_gradient(const char* op, const ConvProblem& p, const Tensor& x, const Tensor& dy,
                            const Shape& shape);
}  // namespace weft
