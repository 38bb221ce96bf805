// Soft Dice loss over the whole batch (Milletari et al. 2016, arXiv:1606.04797, in the form of
// segmentation_models_pytorch), from logits z and targets t, p = sigmoid(z):
//
//   I = sum(p t)          S = max(sum(p) + sum(t), 1e-7)          L = 1 - 2 I / S
//   dL/dp_i = 2 (I / S - t_i) / S                                 dL/dz_i = dL/dp_i  p_i (1 - p_i)
//
// I and S are sums over all pixels: a pixel's pull depends on how the whole mask stands, and a small
// object weighs as much as a large one. p (1 - p) vanishes where the network is sure, right or wrong;
// there the cross-entropy beside it keeps pulling. Without a positive target the loss is 0.

#include <algorithm>

#include "core/autograd.h"
#include "core/kernels/sigmoid.h"
#include "core/ops.h"
#include "core/pass_profile.h"
#include "core/reduce.h"

namespace weft {

Tensor dice_loss(const Tensor& logits, const Tensor& targets) {
  check_same_dtype("dice_loss", {logits, targets});
  WEFT_CHECK(logits.shape() == targets.shape(),
             "[dice_loss] expected targets of the logits' shape: logits {}, targets {}", logits.shape(),
             targets.shape());

  const auto [overlap, predicted, wanted] = dispatch_float(logits.dtype(), "dice_loss", [&](auto zero) {
    using T = decltype(zero);
    const T* z = logits.data<T>();
    const T* t = targets.data<T>();
    const ProfileScope scope(describe_pass("dice_loss", logits, 2));
    return sum_chunks<3>(logits.count(), [&](std::int64_t begin, std::int64_t end, auto& sums) {
      kernels::for_each_sigmoid(z, begin, end, [&](std::int64_t i, T p) {
        sums[0] += static_cast<double>(p * t[i]);
        sums[1] += static_cast<double>(p);
        sums[2] += static_cast<double>(t[i]);
      });
    });
  });
  const bool has_positive = wanted > 0;
  const double size = std::max(predicted + wanted, 1e-7);
  const double ratio = overlap / size;  // I / S

  return record(Tensor::full({}, has_positive ? 1 - 2 * ratio : 0, logits.dtype()), "dice_loss", {logits},
                [logits = Saved(logits), targets = Saved(targets), ratio, size, has_positive](const Tensor& dy) {
                  if (!has_positive) return Gradients{Tensor::zeros(logits->shape(), logits->dtype())};
                  Tensor dz = Tensor::empty(logits->shape(), logits->dtype());
                  const ProfileScope scope(describe_pass("dice_loss dx", dz, 3));
                  dispatch_float(dz.dtype(), "dice_loss", [&](auto zero) {
                    using T = decltype(zero);
                    const T* z = logits->data<T>();
                    const T* t = targets->data<T>();
                    const T factor = static_cast<T>(2 * dy.item() / size), balance = static_cast<T>(ratio);
                    T* out = dz.mutable_data<T>();
                    parallel_chunks(dz.count(), elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
                      kernels::for_each_sigmoid(z, begin, end, [&](std::int64_t i, T p) {
                        out[i] = factor * (balance - t[i]) * p * (1 - p);
                      });
                    });
                  });
                  return Gradients{dz};
                });
}

}  // namespace weft
