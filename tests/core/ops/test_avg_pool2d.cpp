#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

namespace {

TensorFunction pool(std::int64_t kernel, std::int64_t stride, std::int64_t padding) {
  return [=](const Tensors& in) { return avg_pool2d(in[0], {kernel, stride, padding}); };
}

}  // namespace

TEST_CASE("avg_pool2d", "[ops]") {
  check_gradient(pool(1, 1, 0), {random_f64({1, 1, 1, 1})});
  check_gradient(pool(2, 2, 0), {random_f64({2, 4, 6, 3})});
  check_gradient(pool(2, 2, 0), {random_f64({1, 5, 3, 1})});
  check_gradient(pool(3, 2, 1), {random_f64({2, 7, 5, 3})});
  check_gradient(pool(2, 3, 1), {random_f64({1, 8, 7, 2})});
  check_threads(pool(3, 2, 1), {random_f64({2, 61, 53, 33})});
  check_float32(pool(3, 2, 1), {random_f64({1, 9, 8, 5})});
  for (std::int64_t kernel : {1, 2, 3, 4}) {
    for (std::int64_t stride : {1, 2, 3}) {
      check_adjoint([&](const Tensor& x) { return avg_pool2d(x, {kernel, stride, kernel / 2}); }, {2, 7, 5, 3});
    }
  }

  CHECK(equal(avg_pool2d(tensor({1, 2, 4, 1}, {1, 5, 2, 0, 3, 7, 8, 6}), {}), tensor({1, 1, 2, 1}, {4, 4})));
  // The padding's zeros count: a corner window of ones holds four of nine.
  CHECK(avg_pool2d(Tensor::full({1, 2, 2, 1}, 9, DType::f64), {3, 2, 1}).item() == Approx(4));
  CHECK_THROWS_WITH(avg_pool2d(iota({2, 3}), {}), Contains("[avg_pool2d] expected [N, H, W, C], got [2, 3]"));
  CHECK_THROWS_WITH(avg_pool2d(iota({1, 1, 4, 1}), {}),
                    Contains("[avg_pool2d] a window of 2 x 2 does not fit [1, 1, 4, 1] with padding 0"));
}
