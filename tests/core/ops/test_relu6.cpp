#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("relu6", "[ops]") {
  const TensorFunction f = [](const Tensors& in) { return relu6(in[0]); };
  for (const Shape& s : {Shape{1}, Shape{2, 3, 5, 7}}) check_gradient(f, {distinct_values(s, 0.17)});
  check_threads(f, {scale(random_f64({70001}), 5)});
  check_float32(f, {scale(random_f64({999}), 5)});

  const Tensor x = tensor({5}, {-1, 0, 3, 6, 7}).set_requires_grad(true);
  const Tensor y = relu6(x);
  CHECK(equal(y, tensor({5}, {0, 0, 3, 6, 6})));
  backward(y, tensor({5}, {1, 2, 3, 4, 5}));
  CHECK(equal(x.grad(), tensor({5}, {0, 0, 3, 0, 0})));  // 0 at both corners

  CHECK(std::isnan(relu6(tensor({1}, {NAN})).item()));
  CHECK_THROWS_WITH(relu6(Tensor::zeros({2}, DType::i64)), Contains("[clamp] expected float32 or float64, got int64"));
}
