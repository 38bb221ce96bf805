#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("pad2d", "[ops]") {
  const TensorFunction f = [](const Tensors& in) { return pad2d(in[0], 1, 2, 0, 3); };
  for (const Shape& s : {Shape{1, 1, 1, 1}, Shape{2, 3, 5, 7}}) check_gradient(f, {random_f64(s)});
  check_threads(f, {random_f64({2, 61, 53, 17})});
  check_float32(f, {random_f64({1, 5, 7, 3})});
  for (const Shape& s : {Shape{1, 1, 1, 1}, Shape{2, 3, 5, 7}})
    check_adjoint([&](const Tensor& x) { return f({x}); }, s);

  CHECK(equal(pad2d(tensor({1, 1, 2, 1}, {5, 6}), 1, 0, 1, 2), tensor({1, 2, 5, 1}, {0, 0, 0, 0, 0, 0, 5, 6, 0, 0})));
  CHECK_THROWS_WITH(pad2d(iota({2, 3}), 1, 1, 1, 1), Contains("[pad2d] expected [N, H, W, C], got [2, 3]"));
  CHECK_THROWS_WITH(pad2d(iota({1, 2, 2, 1}), 1, 1, -1, 1),
                    Contains("[pad2d] expected padding of 0 or more, got top 1, bottom 1, left -1, right 1"));
}
