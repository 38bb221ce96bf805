#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("sigmoid", "[ops]") {
  const TensorFunction f = [](const Tensors& in) { return sigmoid(in[0]); };
  for (const Shape& s : {Shape{}, Shape{1}, Shape{2, 3, 5, 7}}) check_gradient(f, {random_f64(s)});
  check_threads(f, {random_f64({70001})});
  check_float32(f, {random_f64({999})});

  const Tensor y = sigmoid(tensor({5}, {-1e4, -std::log(3.0), 0, std::log(3.0), 1e4}));
  CHECK(relative_difference(y, tensor({5}, {0, 0.25, 0.5, 0.75, 1})) < 1e-15);
  CHECK(equal(sigmoid(tensor({2}, {-200, 200}).to(DType::f32)), tensor({2}, {0, 1}).to(DType::f32)));
  CHECK_THROWS_WITH(sigmoid(Tensor::zeros({2}, DType::i64)),
                    Contains("[sigmoid] expected float32 or float64, got int64"));
}
