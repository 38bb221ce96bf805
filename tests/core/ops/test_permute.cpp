#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("permute", "[ops]") {
  const auto by = [](std::vector<int> order) -> TensorFunction {
    return [order](const Tensors& in) { return permute(in[0], order); };
  };
  check_gradient(by({}), {random_f64({})});
  check_gradient(by({0}), {random_f64({5})});
  check_gradient(by({1, 0}), {random_f64({3, 5})});
  check_gradient(by({0, 3, 1, 2}), {random_f64({2, 3, 5, 7})});
  check_gradient(by({5, 3, 1, 0, 2, 4}), {random_f64({2, 1, 3, 2, 1, 2})});
  check_threads(by({0, 3, 1, 2}), {random_f64({2, 61, 53, 17})});
  check_float32(by({2, 0, 1}), {random_f64({3, 4, 5})});
  check_adjoint([](const Tensor& x) { return permute(x, {2, 0, 3, 1}); }, {2, 3, 5, 7});

  CHECK(equal(permute(iota({2, 3}), {1, 0}), tensor({3, 2}, {0, 3, 1, 4, 2, 5})));
  // [N, H, W, C] -> [N, C, H, W]: the channels come apart.
  CHECK(equal(permute(iota({1, 2, 2, 2}), {0, 3, 1, 2}), tensor({1, 2, 2, 2}, {0, 2, 4, 6, 1, 3, 5, 7})));
  CHECK(permute(Tensor::zeros({0, 3}), {1, 0}).shape() == Shape{3, 0});
  CHECK_THROWS_WITH(permute(iota({2, 3}), {0, 0}),
                    Contains("[permute] expected each axis of [2, 3] once, 0 to 1, got (0, 0)"));
  CHECK_THROWS_WITH(permute(iota({2, 3}), {0}), Contains("got (0)"));
}
