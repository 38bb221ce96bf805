#pragma once
// What the examples share: numbers to try things on, and checks that end the program.

#include <weft/weft.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace weft::example {

/// Normal random numbers, the same for the same seed.
inline Tensor noise(const Shape& shape, std::uint64_t seed, DType dtype = DType::f32) {
  Random draw(seed);
  std::vector<double> values(static_cast<std::size_t>(shape.count()));
  for (double& value : values) value = draw.normal();
  return Tensor::from(shape, values).to(dtype);
}

/// The largest difference between two tensors of one shape, over the largest value of `expected`.
inline double difference(const Tensor& got, const Tensor& expected) {
  WEFT_CHECK(got.shape() == expected.shape(), "shapes differ: {} and {}", got.shape(), expected.shape());
  const Tensor a = got.to(DType::f64), b = expected.to(DType::f64);
  double largest = 0, range = 1e-30;
  for (std::int64_t i = 0; i < a.count(); ++i) {
    const double x = a.data<double>()[i], y = b.data<double>()[i];
    if (!(std::abs(x - y) <= largest)) largest = std::abs(x - y);  // also where it is no number
    range = std::max(range, std::abs(y));
  }
  return largest / range;
}

/// Says what was tried; Error where it does not hold.
inline void check(bool holds, const char* what) {
  WEFT_CHECK(holds, "does not hold: {}", what);
  std::printf("  %s\n", what);
}

/// Runs the example. The exit status: 1 where it threw an Error, which is printed.
template <class F>
int run(F&& example) {
  try {
    example();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}

}  // namespace weft::example
