#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("relu", "[ops]") {
  const TensorFunction f = [](const Tensors& in) { return relu(in[0]); };
  for (const Shape& s : {Shape{}, Shape{1}, Shape{2, 3, 5, 7}}) check_gradient(f, {distinct_values(s)});
  check_threads(f, {random_f64({70001})});
  check_float32(f, {random_f64({999})});

  const Tensor x = tensor({5}, {-2, -0.5, 0, 0.5, 2}).set_requires_grad(true);
  const Tensor y = relu(x);
  CHECK(equal(y, tensor({5}, {0, 0, 0, 0.5, 2})));
  backward(y, tensor({5}, {1, 2, 3, 4, 5}));
  CHECK(equal(x.grad(), tensor({5}, {0, 0, 0, 4, 5})));  // 0 at x = 0

  CHECK(std::isnan(relu(tensor({1}, {NAN})).item()));
  CHECK_THROWS_WITH(relu(Tensor::zeros({2}, DType::i64)), Contains("[clamp] expected float32 or float64, got int64"));
}

TEST_CASE("relu saves its output and lets its input go", "[ops]") {
  const Tensor x = tensor({2}, {-1, 1}).set_requires_grad(true);
  const Tensor hidden = scale(x, 2);
  Tensor y = relu(hidden);
  hidden.fill(0);  // not saved: nobody minds
  backward(y, tensor({2}, {1, 1}));
  CHECK(equal(x.grad(), tensor({2}, {0, 2})));

  y = relu(x);
  y.fill(0);  // saved: noticed
  CHECK_THROWS_WITH(backward(y, tensor({2}, {1, 1})), Contains("saved for the gradient was overwritten"));
}
