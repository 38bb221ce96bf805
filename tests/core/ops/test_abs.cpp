#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("abs", "[ops]") {
  check_elementwise([](const Tensor& x) { return abs(x); }, [](const Shape& s) { return distinct_values(s); });

  const Tensor x = tensor({4}, {-2, -0.5, 0, 3}).set_requires_grad(true);
  const Tensor y = abs(x);
  CHECK(equal(y, tensor({4}, {2, 0.5, 0, 3})));
  backward(y, tensor({4}, {1, 2, 3, 4}));
  CHECK(equal(x.grad(), tensor({4}, {-1, -2, 0, 4})));  // 0 at x = 0

  CHECK(std::isnan(abs(tensor({1}, {NAN})).item()));
  CHECK_THROWS_WITH(abs(Tensor::zeros({2}, DType::i64)), Contains("[abs] expected float32 or float64, got int64"));
}
