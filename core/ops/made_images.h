#pragma once
// Images that operations don't store but let kernels make (core/kernels/pixel_source.h), with the tensors that they are
// made from.

#include "core/kernels/batch_norm.h"
#include "core/kernels/pixel_source.h"
#include "core/ops/old_batch_norm.h"

namespace weft {

/// An image before batch norm, and the numbers of that.
struct Normalised {
  Tensor x;
  ChannelCoefficients k;
  Clamp clamp = no_clamp;

  kernels::PixelSource pixels() const { return kernels::normalised_pixels(gradient_problem(Tensor())); }

  /// What the gradients are made from; dy may be undefined where they are not yet.
  kernels::BatchNormBackward<float> gradient_problem(const Tensor& dy) const {
    return {.rows = x.count() / x.size(3),
            .channels = x.size(3),
            .x = x.data<float>(),
            .y = nullptr,
            .dy = dy.defined() ? dy.data<float>() : nullptr,
            .mean = k.mean.data<float>(),
            .inv_std = k.inv_std.data<float>(),
            .factor = k.factor.data<float>(),
            .offset = k.offset.data<float>(),
            .clamp = clamp};
  }
};

/// The gradient of an image before batch norm, which kernels make from that of the normalised one.
class MadeGradient {
 public:
  MadeGradient(const Normalised& norm, const Tensor& dy, const kernels::GradientSums& sums)
      : dgamma(Tensor::empty(norm.k.mean.shape())),
        dbeta(Tensor::empty(norm.k.mean.shape())),
        shift_(Tensor::empty(norm.k.mean.shape())),
        stretch_(Tensor::empty(norm.k.mean.shape())),
        dy_(dy),
        problem_(norm.gradient_problem(dy)) {
    sums.result(dgamma.mutable_data<float>(), dbeta.mutable_data<float>());
    problem_.clamp = no_clamp;  // who took the sums stored dz
    kernels::batch_norm_gradient_numbers(problem_, dgamma.data<float>(), dbeta.data<float>(),
                                         shift_.mutable_data<float>(), stretch_.mutable_data<float>());
  }

  kernels::PixelSource pixels() const {
    return {.kind = kernels::PixelSource::Kind::gradient,
            .channels = problem_.channels,
            .norm = problem_,
            .shift = shift_.data<float>(),
            .stretch = stretch_.data<float>()};
  }

  const Tensor dgamma, dbeta;

 private:
  const Tensor shift_, stretch_, dy_;
  kernels::BatchNormBackward<float> problem_;
};

}  // namespace weft
