// Over the last axis: y_k = exp(x_k - m) / sum over j of exp(x_j - m), m the largest of the x_j
//
//   dL/dx = y (dL/dy - sum over j of dL/dy_j y_j)

#include <algorithm>
#include <cmath>

#include "core/autograd.h"
#include "core/ops.h"
#include "core/kernels/rows.h"
#include "core/operation.h"
namespace weft {

namespace {

/// Each row of the last axis by f(row, length, y), in order.
template <class F>
Tensor map_rows(const char* name, const Tensor& x, F f) {
  WEFT_CHECK(x.rank() >= 1 && x.size(-1) > 0, "[{}] expected a last axis to run over, got {}", name, x.shape());
  const auto run = [name, f](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), name, [&](auto zero) {
      using T = decltype(zero);
      const std::int64_t length = in[0].size(-1);
      const T* from = in[0].data<T>();
      T* to = out[0].mutable_data<T>();
      kernels::parallel_rows(in[0].count() / length, length,
                             [&](std::int64_t row) { f(from + row * length, length, to + row * length); });
    });
  };
  return apply({.name = name, .run = run, .may_overwrite = 0}, {x}, type_of(x));
}

}  // namespace

Tensor softmax(const Tensor& x) {
  const Tensor y = map_rows("softmax", x, [](const auto* z, std::int64_t length, auto* p) {
    const auto largest = *std::max_element(z, z + length);
    double total = 0;
    for (std::int64_t k = 0; k < length; ++k) total += static_cast<double>(p[k] = std::exp(z[k] - largest));
    for (std::int64_t k = 0; k < length; ++k)
      p[k] = static_cast<std::remove_reference_t<decltype(p[k])>>(static_cast<double>(p[k]) / total);
  });
  return record(y, "softmax", {x}, [y = Saved(y)](const Tensor& dy) {
    const Tensor mean_pull = sum(multiply(dy, y.get()), {-1}, true);
    return Gradients{multiply(y.get(), subtract(dy, mean_pull))};
  });
}

// y = x - log sum over j of exp(x_j), without an exponential that overflows          dL/dx = dL/dy - exp(y) sum dL/dy_j
Tensor log_softmax(const Tensor& x) {
  const Tensor y = map_rows("log_softmax", x, [](const auto* z, std::int64_t length, auto* p) {
    const double largest = static_cast<double>(*std::max_element(z, z + length));
    double total = 0;
    for (std::int64_t k = 0; k < length; ++k) total += std::exp(static_cast<double>(z[k]) - largest);
    const double normaliser = largest + std::log(total);
    for (std::int64_t k = 0; k < length; ++k)
      p[k] = static_cast<std::remove_reference_t<decltype(p[k])>>(static_cast<double>(z[k]) - normaliser);
  });
  return record(y, "log_softmax", {x}, [y = Saved(y)](const Tensor& dy) {
    return Gradients{subtract(dy, multiply(exp(y.get()), sum(dy, {-1}, true)))};
  });
}

}  // namespace weft
