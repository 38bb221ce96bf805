// With e = act(batch_norm(x)) and p the convolution, the backward pass is
//
//   dy           -> de = p's input gradient; its kernel stores dz = de act'(e) and takes batch norm's sums over it
//   dz, x        -> dx, in dz's place
//   x makes e, dy -> dw
//
// Saved are x and batch norm's numbers for each channel.

#include "core/ops/normalised_conv2d.h"

#include <memory>

#include "core/autograd.h"
#include "core/ops/old_conv2d.h"
#include "core/ops/made_images.h"
#include "core/pass_profile.h"

namespace weft {
namespace {

using kernels::ConvAlgorithm;

/// What a backward pass needs.
struct SavedConv {
  ConvProblem p;
  const ConvAlgorithm& algorithm;
  Saved x, weight;
  ChannelCoefficients k;
  Clamp clamp;
  bool needs_dx, needs_dw;

  Normalised norm() const { return {x.get(), k, clamp}; }
  auto described(const char* op) const {
    return [this, op](ProfileEntry& entry) { old_describe_conv(entry, op, p, algorithm.name); };
  }
};

/// The gradients of x, gamma and beta.
Gradients norm_gradients(const SavedConv& saved, const Tensor& dy) {
  const Normalised norm = saved.norm();
  const Tensor dz = Tensor::empty(norm.x.shape());
  kernels::GradientSums sums(norm.gradient_problem(Tensor()));
  {
    const ProfileScope scope(saved.described("conv2d dx"));
    saved.algorithm.input_gradient(saved.p, dy.data<float>(), saved.weight->data<float>(), {.sums = &sums},
                                   dz.mutable_data<float>());
  }
  WEFT_CHECK(sums.are_taken(), "[normalised_conv2d] {} took no sums", saved.algorithm.name);
  const Tensor dgamma = Tensor::empty(norm.k.mean.shape()), dbeta = Tensor::empty(norm.k.mean.shape());
  sums.result(dgamma.mutable_data<float>(), dbeta.mutable_data<float>());
  const ProfileScope scope(describe_pass("batch_norm dx", dz, 3));
  kernels::BatchNormBackward<float> b = norm.gradient_problem(dz);
  b.clamp = no_clamp;  // what is stored is dz
  kernels::batch_norm_input_gradient(b, dgamma.data<float>(), dbeta.data<float>(), true, dz.mutable_data<float>());
  return {dz, dgamma, dbeta};
}

Gradients gradients_of(const SavedConv& saved, const Tensor& dy) {
  Gradients gradients = saved.needs_dx ? norm_gradients(saved, dy) : Gradients(3);
  Tensor dw;
  if (saved.needs_dw) {
    dw = Tensor::empty(saved.weight->shape());
    const ProfileScope scope(saved.described("conv2d dw"));
    saved.algorithm.weight_gradient_made(saved.p, saved.norm().pixels(), dy.data<float>(), dw.mutable_data<float>());
  }
  gradients.push_back(dw);
  return gradients;
}

void check(const UnnormalisedImage& image, const Tensor& weight, const Conv2dOptions& options) {
  const Tensor& x = image.x;
  check_batch_norm("normalised_conv2d", x, image.norm, image.options, image.statistics);
  check_same_dtype("normalised_conv2d", {x, weight});
  WEFT_CHECK(normalised_conv2d_supports(image, weight, options),
             "[normalised_conv2d] can't convolve {} {} with {} as it normalises it", dtype_name(x.dtype()), x.shape(),
             weight.shape());
}

}  // namespace

bool normalised_conv2d_supports(const UnnormalisedImage& image, const Tensor& weight, const Conv2dOptions& options) {
  return image.options.training && image.x.dtype() == DType::f32 && weight.dtype() == DType::f32 &&
         kernels::choose_conv(conv_problem(image.x.shape(), weight.shape(), options)).forward_made != nullptr;
}

Tensor normalised_conv2d(const UnnormalisedImage& image, const Tensor& weight, const Conv2dOptions& options,
                         ChannelStatistics* statistics) {
  check(image, weight, options);
  const Tensor& x = image.x;
  const ConvProblem p = conv_problem(x.shape(), weight.shape(), options);
  const ConvAlgorithm& algorithm = kernels::choose_conv(p);
  const Normalised norm = {x, channel_coefficients(x, image.norm, image.options, image.statistics),
                           image.options.clamp};
  const Tensor y = Tensor::empty({p.n, p.out_h(), p.out_w(), p.c_out});
  {
    const ProfileScope scope([&](ProfileEntry& entry) { old_describe_conv(entry, "conv2d", p, algorithm.name); });
    store_with_statistics(y, statistics, [&](kernels::OutputStatistics* taken) {
      kernels::conv_forward(algorithm, p, norm.pixels(), weight.data<float>(), {.sums = taken},
                            y.mutable_data<float>());
    });
  }
  const Tensors inputs = {x, image.norm.gamma, image.norm.beta, weight};
  if (!needs_recording(inputs)) return y;
  const bool needs_dx = x.requires_grad() || image.norm.gamma.requires_grad() || image.norm.beta.requires_grad();
  const auto saved = std::make_shared<SavedConv>(
      SavedConv{p, algorithm, Saved(x), Saved(weight), norm.k, norm.clamp, needs_dx, weight.requires_grad()});
  return record(y, "normalised_conv2d", inputs, [saved](const Tensor& dy) { return gradients_of(*saved, dy); },
                {{"padding", static_cast<double>(options.padding)}, {"epsilon", image.options.epsilon}});
}

}  // namespace weft
