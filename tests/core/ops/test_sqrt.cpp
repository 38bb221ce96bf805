#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("sqrt", "[ops]") {
  check_elementwise([](const Tensor& x) { return sqrt(x); },
                    [](const Shape& s) {
                      const Tensor x = random_f64(s);
                      return add_scalar(multiply(x, x), 0.1);
                    });

  const Tensor x = tensor({3}, {0, 0.25, 9}).set_requires_grad(true);
  const Tensor y = sqrt(x);
  CHECK(equal(y, tensor({3}, {0, 0.5, 3})));
  backward(y, tensor({3}, {1, 1, 6}));
  CHECK(equal(x.grad(), tensor({3}, {INFINITY, 1, 1})));  // a vertical tangent at 0

  CHECK(std::isnan(sqrt(tensor({1}, {-1})).item()));
  CHECK_THROWS_WITH(sqrt(Tensor::zeros({2}, DType::i64)), Contains("[sqrt] expected float32 or float64, got int64"));
}
