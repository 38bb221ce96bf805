// L = 1/N * sum over rows n of (log sum over k of exp z[n, k]) - z[n, t[n]]          z logits [N, K], t classes [N]
// dL/dz[n, k] = 1/N * (softmax(z[n])[k] - [k = t[n]])
//
// With m the largest of a row, log sum exp z = m + log sum exp(z - m): no exponential overflows, and the sum is at
// least 1. Rows are computed in double and added in order.

#include <cmath>

#include "core/autograd.h"
#include "core/kernels/rows.h"
#include "core/operation.h"
#include "core/ops.h"

namespace weft {
namespace {

void check_inputs(const Tensor& logits, const Tensor& classes) {
  WEFT_CHECK(logits.rank() == 2 && logits.count() > 0, "[softmax_cross_entropy] expected logits [N, K], got {}",
             logits.shape());
  WEFT_CHECK(classes.dtype() == DType::i64 && classes.shape() == Shape{logits.size(0)},
             "[softmax_cross_entropy] expected classes int64 [{}] for logits {}, got {} {}", logits.size(0),
             logits.shape(), dtype_name(classes.dtype()), classes.shape());
}

void check_classes(const Tensor& classes, std::int64_t count) {
  const auto ids = classes.values<std::int64_t>();
  for (std::size_t row = 0; row < ids.size(); ++row) {
    WEFT_CHECK(ids[row] >= 0 && ids[row] < count, "[softmax_cross_entropy] row {}: class {} is not in [0, {})", row,
               ids[row], count);
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

Tensor softmax_cross_entropy_gradient(const Tensor& dy, const Tensor& logits, const Tensor& classes) {
  const auto run = [](const Tensors& in, const Tensors& out) {
    dispatch_float(out[0].dtype(), "softmax_cross_entropy_gradient", [&](auto zero) {
      using T = decltype(zero);
      const std::int64_t n = out[0].size(0), k = out[0].size(1);
      scaled_difference(in[1].data<T>(), in[2].data<std::int64_t>(), in[0].item() / static_cast<double>(n),
                        out[0].mutable_data<T>(), n, k);
    });
  };
  return apply({.name = "softmax_cross_entropy_gradient", .run = run}, {dy, logits, classes}, type_of(logits));
}

}  // namespace

Tensor softmax_cross_entropy(const Tensor& logits, const Tensor& classes) {
  check_inputs(logits, classes);
  const auto run = [](const Tensors& in, const Tensors& out) {
    check_classes(in[1], in[0].size(1));
    dispatch_float(in[0].dtype(), "softmax_cross_entropy", [&](auto zero) {
      out[0].fill(mean_loss(in[0].data<decltype(zero)>(), in[1].data<std::int64_t>(), in[0].size(0), in[0].size(1)));
    });
  };
  const Tensor loss =
      apply({.name = "softmax_cross_entropy", .run = run}, {logits, classes}, TensorType{{}, logits.dtype()});
  return record(loss, "softmax_cross_entropy", {logits}, [z = Saved(logits), t = Saved(classes)](const Tensor& dy) {
    return Gradients{softmax_cross_entropy_gradient(dy, z.get(), t.get())};
  });
}

}  // namespace weft
