#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("add_scalar", "[ops]") {
  check_elementwise([](const Tensor& x) { return add_scalar(x, -2.5); }, random_f64);

  CHECK(equal(add_scalar(iota({3}), 0.5), tensor({3}, {0.5, 1.5, 2.5})));
  CHECK(std::isinf(add_scalar(iota({1}), INFINITY).item()));
  CHECK_THROWS_WITH(add_scalar(Tensor::zeros({2}, DType::i64), 1),
                    Contains("[add_scalar] expected float32 or float64, got int64"));
}
