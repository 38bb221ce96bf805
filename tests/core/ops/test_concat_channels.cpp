#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("concat_channels", "[ops]") {
  const TensorFunction f = [](const Tensors& in) { return concat_channels(in); };
  check_gradient(f, {random_f64({1, 1, 1, 1})});
  check_gradient(f, {random_f64({2, 3, 5, 4}), random_f64({2, 3, 5, 1})});
  check_gradient(f, {random_f64({1, 3, 2, 1}), random_f64({1, 3, 2, 7}), random_f64({1, 3, 2, 2})});
  check_threads(f, {random_f64({2, 41, 53, 9}), random_f64({2, 41, 53, 16})});
  check_float32(f, {random_f64({1, 3, 5, 4}), random_f64({1, 3, 5, 2})});
  check_adjoint([](const Tensor& x) { return concat_channels({x, scale(x, 3), x}); }, {2, 3, 5, 7});

  CHECK(equal(concat_channels({tensor({1, 1, 2, 2}, {1, 2, 3, 4}), tensor({1, 1, 2, 1}, {8, 9})}),
              tensor({1, 1, 2, 3}, {1, 2, 8, 3, 4, 9})));
  CHECK_THROWS_WITH(concat_channels({}), Contains("[concat_channels] expected at least one tensor"));
  CHECK_THROWS_WITH(concat_channels({iota({1, 2, 2, 3}), iota({1, 2, 3, 3})}),
                    Contains("[concat_channels] expected equal N, H and W, got [1, 2, 2, 3] and [1, 2, 3, 3]"));
  CHECK_THROWS_WITH(concat_channels({iota({2, 3})}), Contains("[concat_channels] expected [N, H, W, C], got [2, 3]"));
  CHECK_THROWS_WITH(concat_channels({iota({1, 1, 1, 1}), iota({1, 1, 1, 1}).to(DType::f32)}),
                    Contains("[concat_channels] expected float64 everywhere"));
}

TEST_CASE("concat_channels makes gradients only where they are wanted", "[ops]") {
  const Tensor frozen = random_f64({1, 2, 2, 3});
  const Tensor trained = random_f64({1, 2, 2, 2}).set_requires_grad(true);
  const Tensor y = concat_channels({frozen, trained});
  backward(y, iota(y.shape()));
  CHECK(equal(trained.grad(), tensor({1, 2, 2, 2}, {3, 4, 8, 9, 13, 14, 18, 19})));
}
