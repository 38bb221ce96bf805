#include "core/ops.h"
#include "tests/gradcheck.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("add, subtract, multiply broadcast and have the right gradients", "[ops]") {
  const std::vector<std::pair<Shape, Shape>> shapes = {{{3}, {3}},          {{2, 3}, {3}},   {{3}, {2, 3}},
                                                       {{2, 1, 3}, {4, 1}}, {{1}, {2, 2}},   {{}, {2, 3}},
                                                       {{2, 3, 4, 5}, {5}}, {{1, 3}, {2, 1}}};
  for (const auto& [a, b] : shapes) {
    check_gradient([](const Tensors& in) { return add(in[0], in[1]); }, {random_f64(a), random_f64(b)});
    check_gradient([](const Tensors& in) { return subtract(in[0], in[1]); }, {random_f64(a), random_f64(b)});
    check_gradient([](const Tensors& in) { return multiply(in[0], in[1]); }, {random_f64(a), random_f64(b)});
  }
  CHECK(equal(add(iota({2, 3}), tensor({3}, {10, 20, 30})), tensor({2, 3}, {10, 21, 32, 13, 24, 35})));
  CHECK(equal(subtract(iota({2, 1}), iota({2})), tensor({2, 2}, {0, -1, 1, 0})));
  CHECK(equal(multiply(iota({2, 2}), tensor({2, 1}, {1, -1})), tensor({2, 2}, {0, 1, -2, -3})));
  CHECK_THROWS_WITH(add(iota({2, 3}), iota({2})), Contains("[add] shapes [2, 3] and [2] do not broadcast"));
  CHECK_THROWS_WITH(multiply(iota({2}), iota({2}).to(DType::f32)),
                    Contains("[multiply] expected float64 everywhere, got float32 [2]"));
}

TEST_CASE("scale", "[ops]") {
  check_gradient([](const Tensors& in) { return scale(in[0], -2.5); }, {random_f64({2, 3})});
  CHECK(equal(scale(iota({3}), 2), tensor({3}, {0, 2, 4})));
}

TEST_CASE("reshape", "[ops]") {
  check_gradient(
      [](const Tensors& in) {
        return multiply(reshape(in[0], {3, 2}), in[1]);
      },
      {random_f64({2, 3}), random_f64({3, 2})});
  const Tensor x = iota({2, 3});
  CHECK(reshape(x, {6}).shares_buffer_with(x));
  CHECK_THROWS_WITH(reshape(x, {4}), Contains("[reshape] 6 elements of [2, 3] do not fit [4]"));
}

TEST_CASE("sum and mean over axes", "[ops]") {
  const std::vector<std::vector<int>> choices = {{}, {0}, {-1}, {0, 2}, {1}, {0, 1, 2}};
  for (const auto& axes : choices) {
    for (bool keep : {false, true}) {
      check_gradient([&](const Tensors& in) { return sum(in[0], axes, keep); }, {random_f64({2, 3, 4})});
      check_gradient([&](const Tensors& in) { return mean(in[0], axes, keep); }, {random_f64({2, 3, 4})});
    }
  }
  CHECK(equal(sum(iota({2, 3}), {0}), tensor({3}, {3, 5, 7})));
  CHECK(equal(mean(iota({2, 3}), {1}, true), tensor({2, 1}, {1, 4})));
  CHECK(sum(iota({2, 3})).shape() == Shape{});
  CHECK_THROWS_WITH(sum(iota({2}), {1}), Contains("axis 1 does not exist in [2]"));
  CHECK_THROWS_WITH(mean(iota({0, 3})), Contains("no elements to average"));
}
