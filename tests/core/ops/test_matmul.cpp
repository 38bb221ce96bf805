#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

namespace {

/// The definition: y[i, j] = sum over k of a[i, k] b[k, j], in double.
Tensor product_by_definition(const Tensor& a, const Tensor& b) {
  Tensor y = Tensor::zeros({a.size(0), b.size(1)}, DType::f64);
  const Tensor a64 = a.to(DType::f64), b64 = b.to(DType::f64);
  for (std::int64_t i = 0; i < a.size(0); ++i) {
    for (std::int64_t j = 0; j < b.size(1); ++j) {
      double sum = 0;
      for (std::int64_t k = 0; k < a.size(1); ++k)
        sum += a64.data<double>()[i * a.size(1) + k] * b64.data<double>()[k * b.size(1) + j];
      y.mutable_data<double>()[i * b.size(1) + j] = sum;
    }
  }
  return y;
}

}  // namespace

TEST_CASE("matmul", "[ops]") {
  const TensorFunction f = [](const Tensors& in) { return matmul(in[0], in[1]); };
  check_gradient(f, {random_f64({1, 1}), random_f64({1, 1})});
  check_gradient(f, {random_f64({2, 3}), random_f64({3, 5})});
  check_gradient(f, {random_f64({7, 1}), random_f64({1, 4})});
  check_threads(f, {random_f64({200, 70}), random_f64({70, 30})});
  check_float32(f, {random_f64({20, 70}), random_f64({70, 30})}, 1e-5);
  check_adjoint([](const Tensor& x) { return matmul(x, random_integers({7, 4}, 9, DType::f64)); }, {3, 7});

  CHECK(equal(matmul(tensor({2, 2}, {1, 2, 3, 4}), tensor({2, 1}, {10, 1})), tensor({2, 1}, {12, 34})));
  CHECK(equal(matmul(Tensor::zeros({2, 0}), Tensor::zeros({0, 3})), Tensor::zeros({2, 3})));
  CHECK_THROWS_WITH(matmul(iota({2, 3}), iota({2, 3})),
                    Contains("[matmul] expected [M, K] and [K, N], got [2, 3] and [2, 3]"));
  CHECK_THROWS_WITH(matmul(iota({3}), iota({3, 1})),
                    Contains("[matmul] expected [M, K] and [K, N], got [3] and [3, 1]"));
  CHECK_THROWS_WITH(matmul(iota({1, 1}), iota({1, 1}).to(DType::f32)),
                    Contains("[matmul] expected float64 everywhere"));
}

TEST_CASE("matmul is exact on small integers, at all sizes around the task's", "[ops]") {
  for (std::int64_t m : {1, 63, 64, 65, 130}) {
    for (std::int64_t k : {1, 17, 300}) {
      const Tensor a = random_integers({m, k}, 20, DType::f32, 1), b = random_integers({k, 19}, 20, DType::f32, 2);
      CHECK(equal(matmul(a, b).to(DType::f64), product_by_definition(a, b)));
    }
  }
}
