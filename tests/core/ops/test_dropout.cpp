#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("dropout", "[ops]") {
  // A fresh Random of the same name draws the same mask each time, so differences can be taken.
  const TensorFunction f = [](const Tensors& in) {
    Random random(7);
    return dropout(in[0], 0.3, true, random);
  };
  for (const Shape& s : {Shape{1}, Shape{2, 3, 5, 7}}) check_gradient(f, {random_f64(s)});
  check_threads(f, {random_f64({70001})});
  check_float32(f, {random_f64({999})});
  check_adjoint([&](const Tensor& x) { return f({x}); }, {1, 5, 7, 3});

  Random random(1);
  const Tensor x = Tensor::full({100000}, 1, DType::f64);
  CHECK(dropout(x, 0.3, false, random).shares_buffer_with(x));
  CHECK(equal(dropout(x, 0, true, random), x));
  CHECK_THROWS_WITH(dropout(x, 1, true, random), Contains("[dropout] expected a probability in [0, 1), got 1"));
  CHECK_THROWS_WITH(dropout(x, NAN, true, random), Contains("[dropout] expected a probability in [0, 1), got nan"));
}

TEST_CASE("dropout keeps the expectation and draws a new mask each time", "[ops]") {
  Random random(1);
  const Tensor x = Tensor::full({100000}, 1, DType::f64);
  const Tensor y = dropout(x, 0.2, true, random);
  const auto values = y.values<double>();
  const auto kept = std::count(values.begin(), values.end(), 1.25),
             dropped = std::count(values.begin(), values.end(), 0.0);
  CHECK(kept + dropped == 100000);
  CHECK(std::abs(static_cast<double>(dropped) - 20000) <
        5 * std::sqrt(100000 * 0.2 * 0.8));  // five standard deviations
  CHECK_FALSE(equal(y, dropout(x, 0.2, true, random)));
}
