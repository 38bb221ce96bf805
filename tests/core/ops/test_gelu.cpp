#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("gelu", "[ops]") {
  check_elementwise([](const Tensor& x) { return gelu(x); }, random_f64);

  // x times the share of a normal distribution below x: 0.841344746068543 at 1, by tables.
  CHECK(relative_difference(gelu(tensor({3}, {1, -1, 2})),
                            tensor({3}, {0.841344746068543, -0.158655253931457, 2 * 0.977249868051821})) < 1e-14);
  for (DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = tensor({3}, {-1000, 0, 1000}).to(dtype).set_requires_grad(true);
    const Tensor y = gelu(x);
    CHECK(equal(y, tensor({3}, {0, 0, 1000}).to(dtype)));
    backward(y, tensor({3}, {1, 1, 1}).to(dtype));
    CHECK(equal(x.grad(), tensor({3}, {0, 0.5, 1}).to(dtype)));
  }
  CHECK_THROWS_WITH(gelu(Tensor::zeros({2}, DType::i64)), Contains("[gelu] expected float32 or float64, got int64"));
}
