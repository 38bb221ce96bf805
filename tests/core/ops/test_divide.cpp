#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("divide", "[ops]") {
  const auto off_zero = [](const Shape& s) { return distinct_values(s, 0.3); };
  check_broadcast([](const Tensor& a, const Tensor& b) { return divide(a, b); }, random_f64,
                  [](const Shape& s) {
                    const Tensor x = random_f64(s);
                    return add_scalar(multiply(x, x),
                                      0.5);  // slopes of 1 / b are no steeper than differences can follow
                  });
  check_gradient([](const Tensors& in) { return divide(in[0], in[1]); }, {random_f64({5}), off_zero({5})}, 1e-5);
  check_gradient([](const Tensors& in) { return divide(in[0], in[0]); }, {off_zero({5})});  // 1, with slope 0

  CHECK(equal(divide(iota({2, 2}), tensor({2, 1}, {2, -4})), tensor({2, 2}, {0, 0.5, -0.5, -0.75})));
  CHECK(equal(divide(tensor({2}, {1, -1}), tensor({}, {0})), tensor({2}, {INFINITY, -INFINITY})));
  CHECK(std::isnan(divide(tensor({1}, {0}), tensor({1}, {0})).item()));
  CHECK_THROWS_WITH(divide(iota({2, 3}), iota({2})), Contains("[divide] shapes [2, 3] and [2] do not broadcast"));
  CHECK_THROWS_WITH(divide(iota({2}), iota({2}).to(DType::f32)),
                    Contains("[divide] expected float64 everywhere, got float32 [2]"));
}
