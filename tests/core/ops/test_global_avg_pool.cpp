#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("global_avg_pool", "[ops]") {
  const TensorFunction f = [](const Tensors& in) { return global_avg_pool(in[0]); };
  for (const Shape& s : {Shape{1, 1, 1, 1}, Shape{2, 3, 5, 7}, Shape{3, 1, 4, 1}}) {
    check_gradient(f, {random_f64(s)});
    check_adjoint([&](const Tensor& x) { return f({x}); }, s);
  }
  check_threads(f, {random_f64({3, 41, 53, 17})});
  check_float32(f, {random_f64({2, 41, 53, 5})}, 1e-5);

  CHECK(equal(global_avg_pool(iota({1, 2, 2, 2})), tensor({1, 2}, {3, 4})));
  CHECK(relative_difference(global_avg_pool(random_tensor({2, 5, 3, 4}, DType::f64, 8)),
                            mean(random_tensor({2, 5, 3, 4}, DType::f64, 8), {1, 2})) < 1e-14);
  CHECK_THROWS_WITH(global_avg_pool(iota({2, 3})), Contains("[global_avg_pool] expected [N, H, W, C], got [2, 3]"));
  CHECK_THROWS_WITH(global_avg_pool(iota({2, 0, 3, 4})),
                    Contains("[global_avg_pool] [2, 0, 3, 4] has no pixels to average"));
}
