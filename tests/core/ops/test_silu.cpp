#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("silu", "[ops]") {
  check_elementwise([](const Tensor& x) { return silu(x); }, random_f64);

  const Tensor log3 = tensor({2}, {std::log(3.0), -std::log(3.0)});  // sigmoid 3/4 and 1/4
  CHECK(relative_difference(silu(log3), multiply(log3, tensor({2}, {0.75, 0.25}))) < 1e-15);
  for (DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = tensor({3}, {-1000, 0, 1000}).to(dtype).set_requires_grad(true);
    const Tensor y = silu(x);
    CHECK(equal(y, tensor({3}, {0, 0, 1000}).to(dtype)));
    backward(y, tensor({3}, {1, 1, 1}).to(dtype));
    CHECK(equal(x.grad(), tensor({3}, {0, 0.5, 1}).to(dtype)));
  }
  CHECK_THROWS_WITH(silu(Tensor::zeros({2}, DType::i64)), Contains("[silu] expected float32 or float64, got int64"));
}
