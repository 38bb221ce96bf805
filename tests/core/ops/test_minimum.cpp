#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("minimum", "[ops]") {
  // Multiples of a half gap, and others a quarter of a gap off: no two are equal or close.
  const auto off = [](const Shape& s) { return add_scalar(distinct_values(s, 0.1, 2), 0.025); };
  check_broadcast([](const Tensor& a, const Tensor& b) { return minimum(a, b); },
                  [](const Shape& s) { return distinct_values(s); }, off);

  const Tensor a = tensor({3}, {1, 2, 3}).set_requires_grad(true), b = tensor({3}, {2, 2, -1}).set_requires_grad(true);
  const Tensor y = minimum(a, b);
  CHECK(equal(y, tensor({3}, {1, 2, -1})));
  backward(y, tensor({3}, {1, 2, 3}));
  CHECK(equal(a.grad(), tensor({3}, {1, 1, 0})));  // equals share
  CHECK(equal(b.grad(), tensor({3}, {0, 1, 3})));

  const Tensor one = tensor({1}, {1}), nan = tensor({1}, {NAN});
  CHECK(std::isnan(minimum(one, nan).item()));
  CHECK(std::isnan(minimum(nan, one).item()));
  CHECK(minimum(one, tensor({1}, {INFINITY})).item() == 1);
  CHECK_THROWS_WITH(minimum(iota({2, 3}), iota({2})), Contains("[minimum] shapes [2, 3] and [2] do not broadcast"));
}
