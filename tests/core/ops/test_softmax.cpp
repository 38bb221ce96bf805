#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("softmax and its logarithm", "[ops]") {
  for (const TensorFunction& f : {TensorFunction([](const Tensors& in) { return softmax(in[0]); }),
                                  TensorFunction([](const Tensors& in) { return log_softmax(in[0]); })}) {
    for (const Shape& s : {Shape{1}, Shape{5}, Shape{2, 3}, Shape{2, 3, 5, 7}, Shape{4, 1}, Shape{0, 3}})
      check_gradient(f, {random_f64(s)});
    check_threads(f, {random_f64({7001, 10})});
    check_float32(f, {random_f64({99, 11})}, 2e-6);
  }

  const Tensor z = tensor({2, 3}, {0, std::log(2.0), std::log(5.0), 1, 1, 1});
  const Tensor p = tensor({2, 3}, {0.125, 0.25, 0.625, 1. / 3, 1. / 3, 1. / 3});
  CHECK(relative_difference(softmax(z), p) < 1e-15);
  CHECK(relative_difference(log_softmax(z), log(p)) < 1e-15);
  CHECK(relative_difference(softmax(add_scalar(z, 100)), p) < 1e-13);  // a shift changes nothing

  CHECK_THROWS_WITH(softmax(tensor({}, {1})), Contains("[softmax] expected a last axis to run over, got []"));
  CHECK_THROWS_WITH(log_softmax(iota({2, 0})), Contains("[log_softmax] expected a last axis to run over, got [2, 0]"));
}

TEST_CASE("softmax of logits that overflow an exponential", "[ops]") {
  for (DType dtype : {DType::f32, DType::f64}) {
    const Tensor z = tensor({2, 2}, {1000, 0, -1000, -INFINITY}).to(dtype);
    CHECK(equal(softmax(z), tensor({2, 2}, {1, 0, 1, 0}).to(dtype)));
    CHECK(equal(log_softmax(z), tensor({2, 2}, {0, -1000, 0, -INFINITY}).to(dtype)));
  }
}
