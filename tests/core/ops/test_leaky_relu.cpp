#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("leaky_relu", "[ops]") {
  for (double slope : {0.01, 0.5, 2.0, 0.0, -1.0}) {
    check_elementwise([slope](const Tensor& x) { return leaky_relu(x, slope); },
                      [](const Shape& s) { return distinct_values(s); });
  }

  const Tensor x = tensor({4}, {-2, 0, 0.5, 2}).set_requires_grad(true);
  const Tensor y = leaky_relu(x, 0.25);
  CHECK(equal(y, tensor({4}, {-0.5, 0, 0.5, 2})));
  backward(y, tensor({4}, {1, 2, 3, 4}));
  CHECK(equal(x.grad(), tensor({4}, {0.25, 0.5, 3, 4})));  // the slope at x = 0

  CHECK(std::isnan(leaky_relu(tensor({1}, {NAN})).item()));
  CHECK_THROWS_WITH(leaky_relu(Tensor::zeros({2}, DType::i64)),
                    Contains("[leaky_relu] expected float32 or float64, got int64"));
}
