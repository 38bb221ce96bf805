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
#include "core/operation.h"
#include "core/ops.h"
#include "core/parallel.h"
#include "core/reduce.h"

namespace weft {

namespace {

/// The three sums that the loss and its gradient are made of: sum(p t), sum(p), sum(t).
struct Sums {
  double overlap, predicted, wanted;

  explicit Sums(const double* values) : overlap(values[0]), predicted(values[1]), wanted(values[2]) {}
  bool has_positive() const { return wanted > 0; }
  double size() const { return std::max(predicted + wanted, 1e-7); }
  double ratio() const { return overlap / size(); }  // I / S
};

Tensor dice_loss_gradient(const Tensor& dy, const Tensor& logits, const Tensor& targets, const Tensor& sums) {
  const auto run = [](const Tensors& in, const Tensors& out) {
    const Sums taken(in[3].data<double>());
    if (!taken.has_positive()) return out[0].fill(0);
    dispatch_float(out[0].dtype(), "dice_loss_gradient", [&](auto zero) {
      using T = decltype(zero);
      const T *z = in[1].data<T>(), *t = in[2].data<T>();
      const T factor = static_cast<T>(2 * in[0].item() / taken.size()), balance = static_cast<T>(taken.ratio());
      T* dz = out[0].mutable_data<T>();
      parallel_chunks(out[0].count(), elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
        kernels::for_each_sigmoid(z, begin, end,
                                  [&](std::int64_t i, T p) { dz[i] = factor * (balance - t[i]) * p * (1 - p); });
      });
    });
  };
  return apply({.name = "dice_loss_gradient", .run = run}, {dy, logits, targets, sums}, type_of(logits));
}

}  // namespace

Tensor dice_loss(const Tensor& logits, const Tensor& targets) {
  check_same_dtype("dice_loss", {logits, targets});
  WEFT_CHECK(logits.shape() == targets.shape(),
             "[dice_loss] expected targets of the logits' shape: logits {}, targets {}", logits.shape(),
             targets.shape());
  const auto run = [](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), "dice_loss", [&](auto zero) {
      using T = decltype(zero);
      const T *z = in[0].data<T>(), *t = in[1].data<T>();
      const auto total = sum_chunks<3>(in[0].count(), [&](std::int64_t begin, std::int64_t end, auto& sums) {
        kernels::for_each_sigmoid(z, begin, end, [&](std::int64_t i, T p) {
          sums[0] += static_cast<double>(p * t[i]);
          sums[1] += static_cast<double>(p);
          sums[2] += static_cast<double>(t[i]);
        });
      });
      std::copy(total.begin(), total.end(), out[1].mutable_data<double>());
      const Sums taken(total.data());
      out[0].fill(taken.has_positive() ? 1 - 2 * taken.ratio() : 0);
    });
  };
  const Tensors made = apply({.name = "dice_loss", .run = run}, {logits, targets},
                             {TensorType{{}, logits.dtype()}, TensorType{{3}, DType::f64}});
  return record(made[0], "dice_loss", {logits},
                [logits = Saved(logits), targets = Saved(targets), sums = Saved(made[1])](const Tensor& dy) {
                  return Gradients{dice_loss_gradient(dy, logits.get(), targets.get(), sums.get())};
                });
}

}  // namespace weft
