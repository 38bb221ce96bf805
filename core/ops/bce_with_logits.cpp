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
#include "core/ops.h"
#include "core/pass_profile.h"
#include "core/reduce.h"

namespace weft {

Tensor bce_with_logits(const Tensor& logits, const Tensor& targets) {
  check_same_dtype("bce_with_logits", {logits, targets});
  WEFT_CHECK(logits.shape() == targets.shape(),
             "[bce_with_logits] expected targets of the logits' shape: logits {}, targets {}", logits.shape(),
             targets.shape());
  WEFT_CHECK(logits.count() > 0, "[bce_with_logits] {} has no elements to average", logits.shape());
  const double count = static_cast<double>(logits.count());

  const double loss = dispatch_float(logits.dtype(), "bce_with_logits", [&](auto zero) {
    using T = decltype(zero);
    const T* z = logits.data<T>();
    const T* t = targets.data<T>();
    const ProfileScope scope(describe_pass("bce_with_logits", logits, 2));
    const auto sums = sum_chunks<1>(logits.count(), [&](std::int64_t begin, std::int64_t end, auto& sum) {
      kernels::for_each_softplus_tail(z, begin, end, [&](std::int64_t i, T tail) {
        sum[0] += static_cast<double>(std::max(z[i], T{0}) - z[i] * t[i]) + static_cast<double>(tail);
      });
    });
    return sums[0] / count;
  });

  return record(Tensor::full({}, loss, logits.dtype()), "bce_with_logits", {logits},
                [logits = Saved(logits), targets = Saved(targets), count](const Tensor& dy) {
                  Tensor dz = Tensor::empty(logits->shape(), logits->dtype());
                  const ProfileScope scope(describe_pass("bce_with_logits dx", dz, 3));
                  dispatch_float(dz.dtype(), "bce_with_logits", [&](auto zero) {
                    using T = decltype(zero);
                    const T* z = logits->data<T>();
                    const T* t = targets->data<T>();
                    const T factor = static_cast<T>(dy.item() / count);
                    T* out = dz.mutable_data<T>();
                    parallel_chunks(dz.count(), elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
                      kernels::for_each_sigmoid(z, begin, end,
                                                [&](std::int64_t i, T p) { out[i] = factor * (p - t[i]); });
                    });
                  });
                  return Gradients{dz};
                });
}

}  // namespace weft
