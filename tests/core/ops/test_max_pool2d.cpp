#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

namespace {

TensorFunction pool(std::int64_t kernel, std::int64_t stride, std::int64_t padding) {
  return [=](const Tensors& in) { return max_pool2d(in[0], {kernel, stride, padding}); };
}

}  // namespace

TEST_CASE("max_pool2d", "[ops]") {
  check_gradient(pool(1, 1, 0), {distinct_values({1, 1, 1, 1})});
  check_gradient(pool(2, 2, 0), {distinct_values({2, 4, 6, 3})});
  check_gradient(pool(2, 2, 0), {distinct_values({1, 5, 3, 1})});  // a row and a column are left over
  check_gradient(pool(3, 2, 1), {distinct_values({2, 7, 5, 3})});  // ResNet's
  check_gradient(pool(3, 1, 1), {distinct_values({1, 4, 4, 2})});
  check_gradient(pool(2, 3, 1), {distinct_values({1, 8, 7, 2})});  // some inputs are in no window
  check_threads(pool(3, 2, 1), {random_integers({2, 61, 53, 33}, 3, DType::f64)});
  check_float32(pool(3, 2, 1), {random_f64({1, 9, 8, 5})});

  CHECK(equal(max_pool2d(tensor({1, 2, 4, 1}, {1, 5, 2, 0, 3, 4, 7, 6}), {}), tensor({1, 1, 2, 1}, {5, 7})));
  // The padding never wins, even against negative numbers.
  CHECK(equal(max_pool2d(Tensor::full({1, 2, 2, 1}, -3), {3, 2, 1}), Tensor::full({1, 1, 1, 1}, -3)));
  CHECK(equal(max_pool2d(Tensor::full({1, 2, 2, 1}, -INFINITY), {3, 2, 1}), Tensor::full({1, 1, 1, 1}, -INFINITY)));
  for (int at = 0; at < 4; ++at) {
    const Tensor x = iota({1, 2, 2, 1});
    x.mutable_data<double>()[at] = NAN;
    CHECK(std::isnan(max_pool2d(x, {}).item()));
    CHECK(std::isnan(max_pool2d(x.set_requires_grad(true), {}).item()));
  }

  CHECK_THROWS_WITH(max_pool2d(iota({2, 3}), {}), Contains("[max_pool2d] expected [N, H, W, C], got [2, 3]"));
  CHECK_THROWS_WITH(max_pool2d(iota({1, 4, 4, 1}), {2, 2, 2}),
                    Contains("padding of 0 to kernel / 2, got kernel 2, stride 2, padding 2"));
  CHECK_THROWS_WITH(max_pool2d(iota({1, 4, 4, 1}), {2, 0, 0}), Contains("got kernel 2, stride 0, padding 0"));
  CHECK_THROWS_WITH(max_pool2d(iota({1, 4, 2, 1}), {3, 1, 0}),
                    Contains("[max_pool2d] a window of 3 x 3 does not fit [1, 4, 2, 1] with padding 0"));
  CHECK_THROWS_WITH(max_pool2d(iota({1, 20, 20, 1}), {17, 1, 0}),
                    Contains("[max_pool2d] expected a kernel of at most 16"));
}

TEST_CASE("max_pool2d gives the gradient to the first of equals", "[ops]") {
  const Tensor x = tensor({1, 3, 3, 1}, {0, 4, 4, 4, 1, 4, 2, 4, 4}).set_requires_grad(true);
  const Tensor y = max_pool2d(x, {2, 1, 0});
  CHECK(equal(y, Tensor::full({1, 2, 2, 1}, 4, DType::f64)));
  backward(y, tensor({1, 2, 2, 1}, {1, 10, 100, 1000}));
  // Windows by their corners: [0,0] -> x[0,1], [0,1] -> x[0,1], [1,0] -> x[1,0], [1,1] -> x[1,2].
  CHECK(equal(x.grad(), tensor({1, 3, 3, 1}, {0, 11, 0, 100, 0, 1000, 0, 0, 0})));
}

TEST_CASE("max_pool2d gives the same with and without a gradient", "[ops]") {
  for (std::int64_t channels : {1, 15, 16, 17, 64}) {
    const Tensor x = random_integers({2, 9, 7, channels}, 3, DType::f32);
    const Tensor recorded = max_pool2d(x.clone().set_requires_grad(true), {3, 2, 1});
    CHECK(equal(max_pool2d(x, {3, 2, 1}), recorded));
  }
}

TEST_CASE("a window of 16 x 16 is the largest whose places fit a byte", "[ops]") {
  const Tensor x = iota({1, 16, 16, 1}).set_requires_grad(true);  // the last place, 255, wins
  max_pool2d(x, {16, 1, 0}).backward();
  CHECK(x.grad().data<double>()[255] == 1);
  CHECK(sum(x.grad()).item() == 1);
}

TEST_CASE("a picture without rows has no windows, whatever the padding", "[ops]") {
  CHECK_THROWS_WITH(max_pool2d(Tensor::empty({1, 0, 4, 2}), {2, 1, 1}), Contains("does not fit"));
  CHECK_THROWS_WITH(avg_pool2d(Tensor::empty({1, 4, 0, 2}), {2, 1, 1}), Contains("does not fit"));
}
