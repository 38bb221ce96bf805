#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("tanh", "[ops]") {
  check_elementwise([](const Tensor& x) { return tanh(x); }, random_f64);

  CHECK(relative_difference(tanh(tensor({3}, {0, 0.5 * std::log(3.0), -0.5 * std::log(3.0)})),
                            tensor({3}, {0, 0.5, -0.5})) < 1e-15);
  const Tensor x = tensor({3}, {-1000, 0, INFINITY}).set_requires_grad(true);
  const Tensor y = tanh(x);
  CHECK(equal(y, tensor({3}, {-1, 0, 1})));
  backward(y, tensor({3}, {1, 1, 1}));
  CHECK(equal(x.grad(), tensor({3}, {0, 1, 0})));
  CHECK_THROWS_WITH(tanh(Tensor::zeros({2}, DType::i64)), Contains("[tanh] expected float32 or float64, got int64"));
}
