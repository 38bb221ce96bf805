#pragma once
// What the tests of operations share: random tensors and the comparison of a recorded gradient with
// central differences, in double.

#include <algorithm>
#include <cmath>
#include <functional>
#include <initializer_list>

#include "core/autograd.h"
#include "core/ops.h"
#include "core/random.h"
#include "tests/catch.h"

namespace weft::test {

/// Normal random values; each call draws from another stream unless `seed` says which.
inline Tensor random_tensor(const Shape& shape, DType dtype = DType::f64, std::uint64_t seed = 0) {
  static std::uint64_t calls = 0;
  Random draw(seed == 0 ? ++calls : seed, {0x7e57});
  Tensor t = Tensor::empty(shape, DType::f64);
  double* values = t.mutable_data<double>();
  for (std::int64_t i = 0; i < t.count(); ++i) values[i] = draw.normal();
  return dtype == DType::f64 ? t : t.to(dtype);
}
inline Tensor random_f64(const Shape& shape) { return random_tensor(shape, DType::f64); }
inline Tensor random_f32(const Shape& shape) { return random_tensor(shape, DType::f32); }

/// Integers in [-limit, limit], for exact comparisons.
inline Tensor random_integers(const Shape& shape, int limit, DType dtype, std::uint64_t seed = 1) {
  Random draw(seed, {0x1127});
  Tensor t = Tensor::empty(shape, DType::f64);
  double* values = t.mutable_data<double>();
  for (std::int64_t i = 0; i < t.count(); ++i)
    values[i] = static_cast<double>(draw.below(static_cast<std::uint64_t>(2 * limit + 1))) - limit;
  return t.to(dtype);
}

/// 0, 1, 2, ... in float64.
inline Tensor iota(const Shape& shape) {
  Tensor t = Tensor::empty(shape, DType::f64);
  double* values = t.mutable_data<double>();
  for (std::int64_t i = 0; i < t.count(); ++i) values[i] = static_cast<double>(i);
  return t;
}

inline Tensor tensor(const Shape& shape, std::initializer_list<double> values) {
  return Tensor::from(shape, std::span<const double>(values.begin(), values.size()));
}

/// Equal shapes and equal elements, bit for bit but for the sign of zero.
inline bool equal(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  return dispatch_float(a.dtype(), "equal", [&](auto zero) {
    using T = decltype(zero);
    const auto x = a.values<T>();
    const auto y = b.values<T>();
    return std::equal(x.begin(), x.end(), y.begin());
  });
}

/// Largest |a - b|, over the largest |b| (at least 1e-30).
inline double relative_difference(const Tensor& a, const Tensor& b) {
  const Tensor x = a.to(DType::f64), y = b.to(DType::f64);
  REQUIRE(x.shape() == y.shape());
  double difference = 0, range = 1e-30;
  for (std::int64_t i = 0; i < x.count(); ++i) {
    const double d = std::abs(x.data<double>()[i] - y.data<double>()[i]);
    if (!(d <= difference)) difference = d;  // a NaN stays: no comparison with it holds
    if (std::isnan(d)) return d;
    range = std::max(range, std::abs(y.data<double>()[i]));
  }
  return difference / range;
}

inline double dot(const Tensor& a, const Tensor& b) {
  const Tensor x = a.to(DType::f64), y = b.to(DType::f64);
  double total = 0;
  for (std::int64_t i = 0; i < x.count(); ++i) total += x.data<double>()[i] * y.data<double>()[i];
  return total;
}

using TensorFunction = std::function<Tensor(const Tensors&)>;

/// Compares, for L = sum(r * f(inputs)) with random r, the recorded gradient of each input with central
/// differences, to `tolerance` relative to the gradient's largest element (at least 1). Then uses the inputs
/// twice in one graph, which must double their gradients.
inline void check_gradient(const TensorFunction& f, const Tensors& inputs, double tolerance = 1e-6) {
  const auto fresh = [&] {
    Tensors copies;
    for (const Tensor& input : inputs) copies.push_back(input.clone().set_requires_grad(true));
    return copies;
  };
  const Tensors leaves = fresh();
  const Tensor y = f(leaves);
  const Tensor r = random_tensor(y.shape(), DType::f64, 99);
  backward(y, r);

  const Tensors shared = fresh();
  backward(add(f(shared), f(shared)), r);
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    INFO("second use of input " << k);
    CHECK(relative_difference(shared[k].grad(), add(leaves[k].grad(), leaves[k].grad())) < 1e-12);
  }

  const NoGrad no_grad;
  const double step = 1e-5;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    INFO("input " << k << " " << inputs[k].shape().to_string());
    const Tensor gradient = leaves[k].grad();
    REQUIRE(gradient.defined());
    double worst = 0, range = 1;
    for (std::int64_t i = 0; i < inputs[k].count(); ++i) {
      Tensors moved = inputs;
      moved[k] = inputs[k].clone();
      const double value = inputs[k].data<double>()[i];
      moved[k].mutable_data<double>()[i] = value + step;
      const double up = dot(f(moved), r);
      moved[k].mutable_data<double>()[i] = value - step;
      const double down = dot(f(moved), r);
      const double expected = (up - down) / (2 * step);
      const double d = std::abs(gradient.data<double>()[i] - expected);
      if (!(d <= worst)) worst = d;
      REQUIRE_FALSE(std::isnan(d));
      range = std::max(range, std::abs(expected));
    }
    CHECK(worst / range < tolerance);
  }
}

}  // namespace weft::test
