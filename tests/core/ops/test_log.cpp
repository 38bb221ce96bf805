#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("log", "[ops]") {
  check_elementwise([](const Tensor& x) { return log(x); },
                    [](const Shape& s) {
                      const Tensor x = random_f64(s);
                      return add_scalar(multiply(x, x), 0.2);
                    });

  CHECK(relative_difference(log(tensor({3}, {1, 2.718281828459045, 0.5})), tensor({3}, {0, 1, -0.6931471805599453})) <
        1e-15);
  const Tensor x = tensor({2}, {0, 4}).set_requires_grad(true);
  const Tensor y = log(x);
  CHECK(y.data<double>()[0] == -INFINITY);
  backward(y, tensor({2}, {1, 1}));
  CHECK(equal(x.grad(), tensor({2}, {INFINITY, 0.25})));

  CHECK(std::isnan(log(tensor({1}, {-1})).item()));
  CHECK_THROWS_WITH(log(Tensor::zeros({2}, DType::i64)), Contains("[log] expected float32 or float64, got int64"));
}
