#include "core/ops.h"
#include "tests/gradcheck.h"

using namespace weft;
using namespace weft::test;

namespace {
Tensor random_mask(const Shape& shape) {
  Tensor t = random_f64(shape);
  double* values = t.mutable_data<double>();
  for (std::int64_t i = 0; i < t.count(); ++i) values[i] = values[i] > 0.3;
  return t;
}
}  // namespace

TEST_CASE("bce_with_logits", "[ops]") {
  for (Shape s : {Shape{1}, {2, 3, 5, 1}, {7, 3}}) {
    const Tensor t = random_mask(s);
    check_gradient([&](const Tensors& in) { return bce_with_logits(in[0], t); }, {scale(random_f64(s), 3)});
  }
  CHECK(bce_with_logits(tensor({2}, {0, 0}), tensor({2}, {0, 1})).item() == Approx(std::log(2.0)));
  // Far out the loss is linear in the logit, and nothing overflows.
  CHECK(bce_with_logits(tensor({2}, {1e4, -1e4}), tensor({2}, {0, 1})).item() == 1e4);
  CHECK(bce_with_logits(tensor({2}, {1e4, -1e4}).to(DType::f32), tensor({2}, {1, 0}).to(DType::f32)).item() == 0);
  CHECK_THROWS_WITH(bce_with_logits(iota({2}), iota({3})), Contains("logits [2], targets [3]"));
}

TEST_CASE("dice_loss", "[ops]") {
  for (Shape s : {Shape{4}, {2, 3, 5, 1}}) {
    const Tensor t = random_mask(s);
    t.mutable_data<double>()[0] = 1;
    check_gradient([&](const Tensors& in) { return dice_loss(in[0], t); }, {random_f64(s)});
  }
  // p = 1/2 everywhere, half of four targets set: 1 - 2 * 1 / (2 + 2)
  CHECK(dice_loss(Tensor::zeros({4}, DType::f64), tensor({4}, {1, 1, 0, 0})).item() == Approx(0.5));
  CHECK(dice_loss(tensor({2}, {1e4, -1e4}), tensor({2}, {1, 0})).item() == 0);
  CHECK(dice_loss(tensor({2}, {-1e4, 1e4}), tensor({2}, {1, 0})).item() == 1);

  // Without a positive target: no loss, no gradient, whatever is predicted.
  const Tensor z = tensor({2}, {1, -1}).set_requires_grad(true);
  const Tensor loss = dice_loss(z, Tensor::zeros({2}, DType::f64));
  CHECK(loss.item() == 0);
  loss.backward();
  CHECK(equal(z.grad(), Tensor::zeros({2}, DType::f64)));
}
