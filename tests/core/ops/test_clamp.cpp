#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("clamp", "[ops]") {
  for (const auto& [lower, upper] : {std::pair{-1.0, 2.0}, {-INFINITY, 0.5}, {0.0, INFINITY}, {-INFINITY, INFINITY}}) {
    // Values 0.1 apart and 0.03 off the tenths: no bound is near.
    check_elementwise([lower = lower, upper = upper](const Tensor& x) { return clamp(x, lower, upper); },
                      [](const Shape& s) { return distinct_values(s); });
  }

  const Tensor x = tensor({5}, {-2, -1, 0.5, 2, 3}).set_requires_grad(true);
  const Tensor y = clamp(x, -1, 2);
  CHECK(equal(y, tensor({5}, {-1, -1, 0.5, 2, 2})));
  backward(y, tensor({5}, {1, 2, 3, 4, 5}));
  CHECK(equal(x.grad(), tensor({5}, {0, 0, 3, 0, 0})));  // 0 at a bound

  CHECK(equal(clamp(tensor({2}, {-INFINITY, INFINITY}), -1, 1), tensor({2}, {-1, 1})));
  CHECK(equal(clamp(tensor({2}, {-3, 3}), 1, 1), tensor({2}, {1, 1})));
  CHECK(std::isnan(clamp(tensor({1}, {NAN}), -1, 1).item()));
  CHECK_THROWS_WITH(clamp(x, 1, 0), Contains("[clamp] expected a lower bound of at most the upper one, got 1 and 0"));
  CHECK_THROWS_WITH(clamp(x, NAN, 1), Contains("[clamp] expected a lower bound"));
  CHECK_THROWS_WITH(clamp(Tensor::zeros({2}, DType::i64), 0, 1),
                    Contains("[clamp] expected float32 or float64, got int64"));
}

TEST_CASE("clamp saves its output and lets its input go", "[ops]") {
  const Tensor x = tensor({2}, {-1, 1}).set_requires_grad(true);
  const Tensor hidden = scale(x, 2), y = clamp(hidden, 0, 6);
  hidden.fill(0);  // not saved: nobody minds
  backward(y, tensor({2}, {1, 1}));
  CHECK(equal(x.grad(), tensor({2}, {0, 2})));
}
