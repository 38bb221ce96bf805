#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("upsample_bilinear2x", "[ops]") {
  const TensorFunction f = [](const Tensors& in) { return upsample_bilinear2x(in[0]); };
  for (const Shape& s : {Shape{1, 1, 1, 1}, Shape{2, 3, 5, 7}, Shape{1, 17, 1, 13}, Shape{2, 1, 2, 1}}) {
    check_gradient(f, {random_f64(s)});
    check_adjoint([](const Tensor& x) { return upsample_bilinear2x(x); }, s);
  }
  check_threads(f, {random_f64({2, 31, 29, 17})});
  check_float32(f, {random_f64({2, 3, 5, 7})});

  // Along a line: both ends repeat, the rest lies a quarter of the way between neighbours.
  CHECK(equal(crop2d(upsample_bilinear2x(tensor({1, 1, 3, 1}, {0, 4, 12})), 0, 0, 1, 6),
              tensor({1, 1, 6, 1}, {0, 1, 3, 6, 10, 12})));
  CHECK(equal(upsample_bilinear2x(tensor({1, 2, 2, 1}, {0, 16, 32, 48})),
              tensor({1, 4, 4, 1}, {0, 4, 12, 16, 8, 12, 20, 24, 24, 28, 36, 40, 32, 36, 44, 48})));
  CHECK_THROWS_WITH(upsample_bilinear2x(iota({2, 3})),
                    Contains("[upsample_bilinear2x] expected [N, H, W, C], got [2, 3]"));
}
