#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("crop2d", "[ops]") {
  const TensorFunction f = [](const Tensors& in) { return crop2d(in[0], 1, 2, 2, 1); };
  for (const Shape& s : {Shape{1, 3, 3, 1}, Shape{2, 4, 5, 7}}) check_gradient(f, {random_f64(s)});
  check_threads([](const Tensors& in) { return crop2d(in[0], 1, 2, 60, 50); }, {random_f64({2, 61, 53, 17})});
  check_float32(f, {random_f64({1, 5, 7, 3})});
  for (const Shape& s : {Shape{1, 3, 3, 1}, Shape{2, 4, 5, 7}})
    check_adjoint([&](const Tensor& x) { return f({x}); }, s);

  CHECK(equal(crop2d(iota({1, 3, 4, 1}), 1, 2, 2, 2), tensor({1, 2, 2, 1}, {6, 7, 10, 11})));
  const Tensor x = random_f64({2, 3, 4, 5});
  CHECK(equal(crop2d(pad2d(x, 1, 2, 3, 4), 1, 3, 3, 4), x));
  CHECK_THROWS_WITH(crop2d(iota({2, 3}), 0, 0, 1, 1), Contains("[crop2d] expected [N, H, W, C], got [2, 3]"));
  CHECK_THROWS_WITH(
      crop2d(iota({1, 3, 4, 1}), 1, 0, 3, 4),
      Contains("[crop2d] the window of height 3 and width 4 at row 1, column 0 leaves the image [1, 3, 4, 1]"));
  CHECK_THROWS_WITH(crop2d(iota({1, 3, 4, 1}), 0, -1, 1, 1), Contains("column -1 leaves the image"));
}
