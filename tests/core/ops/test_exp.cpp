#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("exp", "[ops]") {
  check_elementwise([](const Tensor& x) { return exp(x); }, random_f64);

  CHECK(relative_difference(exp(tensor({3}, {0, 1, -1})), tensor({3}, {1, 2.718281828459045, 0.36787944117144233})) <
        1e-15);
  CHECK(equal(exp(tensor({4}, {1000, -1000, INFINITY, -INFINITY})), tensor({4}, {INFINITY, 0, INFINITY, 0})));
  CHECK(std::isinf(exp(tensor({1}, {89}).to(DType::f32)).item()));
  CHECK(std::isnan(exp(tensor({1}, {NAN})).item()));
  CHECK_THROWS_WITH(exp(Tensor::zeros({2}, DType::i64)), Contains("[exp] expected float32 or float64, got int64"));
}
