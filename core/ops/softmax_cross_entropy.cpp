// L = 1/N * sum over rows n of (log sum over k of exp z[n, k]) - z[n, t[n]]          z logits [N, K], t classes [N]
// dL/dz[n, k] = 1/N * (softmax(z[n])[k] - [k = t[n]])
//
// With m the largest of a row, log sum exp z = m + log sum exp(z - m): no exponential overflows, and the sum is at
// least 1. Rows are computed in double and added in order.

#include <cmath>

#include "core/autograd.h"
#include "core/kernels/rows.h"
#include "core/ops.h"

namespace weft {
namespace {

void check_inputs(const Tensor& logits, const Tensor& classes) {
  WEFT_CHECK(logits.rank() == 2 && logits.count() > 0, "[softmax_cross_entropy] expected logits [N, K], got {}",
             logits.shape());
  WEFT_CHECK(classes.dtype() == DType::i64 && classes.shape() == Shape{logits.size(0)},
             "[softmax_cross_entropy] expected classes int64 [{}] for logits {}, got {} {}", logits.size(0),
             logits.shape(), dtype_name(classes.dtype()), classes.shape());
  const auto ids = classes.values<std::int64_t>();
  for (std::size_t row = 0; row < ids.size(); ++row) {
    WEFT_CHECK(ids[row] >= 0 && ids[row] < logits.size(1), "[softmax_cross_entropy] row {}: class {} is not in [0, {})",
               row, ids[row], logits.size(1));
  }
}

template <class T>
double log_sum_exp(const T* z, std::int64_t k) {
  const double largest = static_cast<double>(*std::max_element(z, z + k));
  double sum = 0;
  for (std::int64_t i = 0; i < k; ++i) sum += std::exp(static_cast<double>(z[i]) - largest);
  return largest + std::log(sum);
}

template <class T>
double mean_loss(const T* z, const std::int64_t* t, std::int64_t n, std::int64_t k) {
  std::vector<double> losses(static_cast<std::size_t>(n));
  kernels::parallel_rows(n, k, [&](std::int64_t row) {
    losses[static_cast<std::size_t>(row)] = log_sum_exp(z + row * k, k) - static_cast<double>(z[row * k + t[row]]);
  });
  double total = 0;
  for (double loss : losses) total += loss;
  return total / static_cast<double>(n);
}

/// dz = factor * (softmax(z) - onehot(t))
template <class T>
void scaled_difference(const T* z, const std::int64_t* t, double factor, T* dz, std::int64_t n, std::int64_t k) {
  kernels::parallel_rows(n, k, [=](std::int64_t row) {
    const double normaliser = log_sum_exp(z + row * k, k);
    for (std::int64_t i = 0; i < k; ++i) {
      const double p = std::exp(static_cast<double>(z[row * k + i]) - normaliser);
      dz[row * k + i] = static_cast<T>(factor * (p - (i == t[row] ? 1 : 0)));
    }
  });
}

}  // namespace

Tensor softmax_cross_entropy(const Tensor& logits, const Tensor& classes) {
  check_inputs(logits, classes);
  const std::int64_t n = logits.size(0), k = logits.size(1);
  const double loss = dispatch_float(logits.dtype(), "softmax_cross_entropy", [&](auto zero) {
    return mean_loss(logits.data<decltype(zero)>(), classes.data<std::int64_t>(), n, k);
  });

  const Tensor y = Tensor::full({}, loss, logits.dtype());
  return record(y, "softmax_cross_entropy", {logits}, [z = Saved(logits), t = Saved(classes), n, k](const Tensor& dy) {
    Tensor dz = Tensor::empty(z->shape(), dy.dtype());
    dispatch_float(dy.dtype(), "softmax_cross_entropy", [&](auto zero) {
      using T = decltype(zero);
      scaled_difference(z->data<T>(), t->data<std::int64_t>(), dy.item() / static_cast<double>(n), dz.mutable_data<T>(),
                        n, k);
    });
    return Gradients{dz};
  });
}

}  // namespace weft
