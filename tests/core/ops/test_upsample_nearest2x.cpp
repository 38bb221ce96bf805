#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("upsample_nearest2x", "[ops]") {
  const TensorFunction f = [](const Tensors& in) { return upsample_nearest2x(in[0]); };
  for (const Shape& s : {Shape{1, 1, 1, 1}, Shape{2, 3, 5, 7}, Shape{1, 17, 1, 13}}) {
    check_gradient(f, {random_f64(s)});
    check_adjoint([](const Tensor& x) { return upsample_nearest2x(x); }, s);
  }
  check_threads(f, {random_f64({2, 31, 29, 17})});
  check_float32(f, {random_f64({2, 3, 5, 7})});

  CHECK(equal(upsample_nearest2x(iota({1, 1, 2, 1})), tensor({1, 2, 4, 1}, {0, 0, 1, 1, 0, 0, 1, 1})));
  CHECK_THROWS_WITH(upsample_nearest2x(iota({2, 3})),
                    Contains("[upsample_nearest2x] expected [N, H, W, C], got [2, 3]"));
}
