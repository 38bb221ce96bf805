#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("pow", "[ops]") {
  const auto positive = [](const Shape& s) {
    const Tensor x = random_f64(s);
    return add_scalar(multiply(x, x), 0.2);
  };
  for (double exponent : {0.0, 0.5, 1.0, 3.0, -1.0})
    check_elementwise([exponent](const Tensor& x) { return pow(x, exponent); }, positive);
  for (double exponent : {1.0, 2.0, 3.0})  // whole powers are smooth everywhere
    check_elementwise([exponent](const Tensor& x) { return pow(x, exponent); }, random_f64);

  CHECK(equal(pow(tensor({4}, {-2, 0, 1, 3}), 3), tensor({4}, {-8, 0, 1, 27})));
  CHECK(equal(pow(tensor({2}, {4, 9}), 0.5), tensor({2}, {2, 3})));
  CHECK(equal(pow(tensor({2}, {0, 0}), -1), tensor({2}, {INFINITY, INFINITY})));
  CHECK(std::isnan(pow(tensor({1}, {-2}), 0.5).item()));
  CHECK_THROWS_WITH(pow(Tensor::zeros({2}, DType::i64), 2), Contains("[pow] expected float32 or float64, got int64"));
}

TEST_CASE("pow's slope at zero", "[ops]") {
  const auto slope_at_zero = [](double exponent) {
    const Tensor x = tensor({1}, {0}).set_requires_grad(true);
    pow(x, exponent).backward();
    return x.grad().item();
  };
  CHECK(slope_at_zero(0) == 0);  // x^0 is 1 everywhere
  CHECK(slope_at_zero(1) == 1);
  CHECK(slope_at_zero(2) == 0);
  CHECK(slope_at_zero(0.5) == INFINITY);
}
