// Binary cross-entropy from logits z and targets t, p = sigmoid(z):
//
//   L = mean( -t log p - (1 - t) log(1 - p) )
//     = mean( max(z, 0) - z t + log(1 + exp(-|z|)) )          no overflow for any z
//   dL/dz = (p - t) / count
//
// Every pixel pulls by how wrong it is, whatever the others do; compare dice_loss.cpp.

#include <algorithm>

#include "core/autograd.h"
#include "core/kernels/sigmoid.h"
#include "core/operation.h"
#include "core/ops.h"
#include "core/parallel.h"
#include "core/reduce.h"

namespace weft {

namespace {

Tensor bce_with_logits_gradient(const Tensor& dy, const Tensor& logits, const Tensor& targets) {
  const auto run = [](const Tensors& in, const Tensors& out) {
    dispatch_float(out[0].dtype(), "bce_with_logits_gradient", [&](auto zero) {
      using T = decltype(zero);
      const T *z = in[1].data<T>(), *t = in[2].data<T>();
      const T factor = static_cast<T>(in[0].item() / static_cast<double>(out[0].count()));
      T* dz = out[0].mutable_data<T>();
      parallel_chunks(out[0].count(), elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
        kernels::for_each_sigmoid(z, begin, end, [&](std::int64_t i, T p) { dz[i] = factor * (p - t[i]); });
      });
    });
  };
  return apply({.name = "bce_with_logits_gradient", .run = run}, {dy, logits, targets}, type_of(logits));
}

}  // namespace

Tensor bce_with_logits(const Tensor& logits, const Tensor& targets) {
  check_same_dtype("bce_with_logits", {logits, targets});
  WEFT_CHECK(logits.shape() == targets.shape(),
             "[bce_with_logits] expected targets of the logits' shape: logits {}, targets {}", logits.shape(),
             targets.shape());
  WEFT_CHECK(logits.count() > 0, "[bce_with_logits] {} has no elements to average", logits.shape());
  const auto run = [](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), "bce_with_logits", [&](auto zero) {
      using T = decltype(zero);
      const T *z = in[0].data<T>(), *t = in[1].data<T>();
      const auto sums = sum_chunks<1>(in[0].count(), [&](std::int64_t begin, std::int64_t end, auto& sum) {
        kernels::for_each_softplus_tail(z, begin, end, [&](std::int64_t i, T tail) {
          sum[0] += static_cast<double>(std::max(z[i], T{0}) - z[i] * t[i]) + static_cast<double>(tail);
        });
      });
      out[0].fill(sums[0] / static_cast<double>(in[0].count()));
    });
  };
  const Tensor loss = apply({.name = "bce_with_logits", .run = run}, {logits, targets}, TensorType{{}, logits.dtype()});
  return record(loss, "bce_with_logits", {logits},
                [logits = Saved(logits), targets = Saved(targets)](const Tensor& dy) {
                  return Gradients{bce_with_logits_gradient(dy, logits.get(), targets.get())};
                });
}

}  // namespace weft
