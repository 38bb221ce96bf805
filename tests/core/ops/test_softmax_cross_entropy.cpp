#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

namespace {

Tensor classes(const std::vector<std::int64_t>& ids) {
  return Tensor::from({static_cast<std::int64_t>(ids.size())}, ids);
}

}  // namespace

TEST_CASE("softmax_cross_entropy", "[ops]") {
  for (std::int64_t k : {1, 2, 7}) {
    const TensorFunction f = [k](const Tensors& in) {
      return softmax_cross_entropy(in[0], classes({0, k - 1, k / 2}));
    };
    check_gradient(f, {random_f64({3, k})});
    check_float32(f, {random_f64({3, k})});
  }
  std::vector<std::int64_t> many(3000);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<std::int64_t>(i % 50);
  check_threads([&](const Tensors& in) { return softmax_cross_entropy(in[0], classes(many)); },
                {random_f64({3000, 50})});

  // softmax(0, log 3) = (1/4, 3/4); a row of equal logits gives log 2. The mean of -log(3/4) and log 2:
  const Tensor z = tensor({2, 2}, {0, std::log(3.0), 5, 5}).set_requires_grad(true);
  const Tensor loss = softmax_cross_entropy(z, classes({1, 0}));
  CHECK(loss.item() == Approx((std::log(4.0 / 3) + std::log(2.0)) / 2).epsilon(1e-14));
  loss.backward();
  CHECK(relative_difference(z.grad(), tensor({2, 2}, {0.125, -0.125, -0.25, 0.25})) < 1e-14);
}

TEST_CASE("softmax_cross_entropy survives large logits", "[ops]") {
  const Tensor z = tensor({2, 2}, {1e4, -1e4, -1e30, 1e30}).to(DType::f32).set_requires_grad(true);
  const Tensor loss = softmax_cross_entropy(z, classes({1, 1}));
  CHECK(loss.item() == Approx(1e4));  // rows 2e4 and 0
  loss.backward();
  CHECK(equal(z.grad(), tensor({2, 2}, {0.5, -0.5, 0, 0}).to(DType::f32)));
}

TEST_CASE("softmax_cross_entropy names what is wrong", "[ops]") {
  const Tensor z = iota({3, 4});
  CHECK_THROWS_WITH(softmax_cross_entropy(z, classes({0, 1, 4})),
                    Contains("[softmax_cross_entropy] row 2: class 4 is not in [0, 4)"));
  CHECK_THROWS_WITH(softmax_cross_entropy(z, classes({-1, 1, 4})), Contains("row 0: class -1 is not in [0, 4)"));
  CHECK_THROWS_WITH(softmax_cross_entropy(z, classes({0, 1})),
                    Contains("expected classes int64 [3] for logits [3, 4], got int64 [2]"));
  CHECK_THROWS_WITH(softmax_cross_entropy(z, iota({3})),
                    Contains("expected classes int64 [3] for logits [3, 4], got float64 [3]"));
  CHECK_THROWS_WITH(softmax_cross_entropy(iota({3}), classes({0, 1, 2})), Contains("expected logits [N, K], got [3]"));
  CHECK_THROWS_WITH(softmax_cross_entropy(Tensor::zeros({0, 4}), classes({})),
                    Contains("expected logits [N, K], got [0, 4]"));
}
