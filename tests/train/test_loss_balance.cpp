// The figures of docs/train.md, section 1: what Dice and BCE each do to a logit.

#include "tests/gradcheck.h"

using namespace weft;
using namespace weft::test;

namespace {

constexpr std::int64_t pixels = 10000, garment = 100;

/// dL/dz times the number of pixels, for the garment's logits at `z` and the background's at 0.
std::array<double, 2> pull(Tensor (*loss)(const Tensor&, const Tensor&), double z) {
  std::vector<double> logits(pixels, 0), targets(pixels, 0);
  std::fill_n(logits.begin(), garment, z);
  std::fill_n(targets.begin(), garment, 1);
  const Tensor x = Tensor::from({pixels}, logits).set_requires_grad(true);
  backward(loss(x, Tensor::from({pixels}, targets)));
  const double* gradient = x.grad().data<double>();
  return {gradient[0] * pixels, gradient[pixels - 1] * pixels};
}

}  // namespace

TEST_CASE("BCE counts pixels, Dice weighs areas", "[train]") {
  const auto bce = pull(bce_with_logits, 0), dice = pull(dice_loss, 0);
  CHECK(bce[0] == Approx(-0.5));
  CHECK(bce[1] == Approx(0.5));
  CHECK(dice[0] == Approx(-0.97).epsilon(0.005));
  CHECK(dice[1] == Approx(0.0096).epsilon(0.005));
  // The whole garment against the whole background: 1 to 99, and about even.
  CHECK(0.01 * bce[0] / (0.99 * bce[1]) == Approx(-1.0 / 99));
  CHECK(0.01 * dice[0] / (0.99 * dice[1]) == Approx(-1).epsilon(0.03));
}

TEST_CASE("where the network is sure and wrong, only BCE still pulls", "[train]") {
  CHECK(pull(bce_with_logits, -6)[0] == Approx(-0.9975).epsilon(1e-4));
  CHECK(std::abs(pull(dice_loss, -6)[0]) < 0.02);
}
