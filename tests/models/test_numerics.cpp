// Networks and losses at the edges of their numbers, and on each instruction set.

#include <cmath>

#include "core/autograd.h"
#include "core/kernels/isa.h"
#include "core/ops.h"
#include "models/unet.h"
#include "tests/gradcheck.h"

using namespace weft;
using namespace weft::test;

namespace {

bool all_finite(const Tensor& t) {
  for (const float v : t.values<float>())
    if (!std::isfinite(v)) return false;
  return true;
}

struct Step {
  Tensor logits, head_gradient, stem_gradient;
};

/// Forward in training or at inference; in training also the gradient of the summed logits.
Step run(UNet& network, const Tensor& x, bool is_training) {
  is_training ? network.train() : network.eval();
  if (!is_training) {
    const NoGrad none;
    return {network.forward(x), {}, {}};
  }
  network.zero_grad();
  const Tensor y = network.forward(x);
  backward(y, Tensor::full(y.shape(), 1.0, DType::f32));
  const auto parameters = network.named_parameters();
  return {y, parameters.back().tensor.grad(), parameters.front().tensor.grad()};
}

struct SmallNetwork : UNet {
  SmallNetwork() : UNet({.arch = "mobilenet_v2", .decoder_channels = {16, 16, 8, 8, 8}}) { initialise(3); }
};

}  // namespace

TEST_CASE("instruction sets agree within a bound", "[models][isa]") {
  // float32 sums in other orders, and Winograd tiles of other sizes. docs/reliability.md states these bounds.
  const std::string before = kernels::isa_name();
  const Tensor x = random_f32({2, 96, 128, 3});
  for (const char* arch : {"mobilenet_v2", "resnet18"}) {
    UNet network({.arch = arch});
    network.initialise(3);
    kernels::select_isa("portable");
    const Tensor expected = run(network, x, false).logits;
    for (const std::string& isa : kernels::available_isas()) {
      kernels::select_isa(isa);
      INFO(arch << " on " << isa);
      CHECK(relative_difference(run(network, x, false).logits, expected) < 1e-4);
    }
  }
  kernels::select_isa(before);
}

TEST_CASE("a network survives constants, zeros and denormal numbers", "[models][numerics]") {
  SmallNetwork network;
  for (const double value : {0.0, 1.0, -1e-40, 1e4}) {
    INFO("every pixel is " << value);
    const Tensor x = Tensor::full({2, 64, 64, 3}, value, DType::f32);
    const Step step = run(network, x, true);
    CHECK(all_finite(step.logits));
    CHECK(all_finite(step.head_gradient));
    // Batch norm of next to nothing multiplies by 1 / sqrt(1e-5) in each of fifty layers: more than float32 holds.
    if (value != -1e-40) CHECK(all_finite(step.stem_gradient));
    CHECK(all_finite(run(network, x, false).logits));
  }
}

TEST_CASE("a batch of one whose deepest maps are 1 x 1 runs, and trains where a channel has two values", "[models][numerics]") {
  SmallNetwork network;
  CHECK(all_finite(run(network, random_f32({1, 32, 32, 3}), false).logits));
  CHECK_THROWS_WITH(run(network, random_f32({1, 32, 32, 3}), true),
                    Contains("training needs more than one value a channel, got [1, 1, 1,") && Contains("larger batch"));
  const Step step = run(network, random_f32({1, 32, 64, 3}), true);
  CHECK(all_finite(step.logits));
  CHECK(all_finite(step.stem_gradient));
}

TEST_CASE("losses on full and empty masks and far-out logits have finite gradients", "[models][numerics]") {
  for (const double target : {0.0, 1.0}) {
    for (const double logit : {-1e4, -1e-40, 0.0, 1e4}) {
      INFO("logits of " << logit << ", targets of " << target);
      const Tensor z = Tensor::full({2, 4, 4, 1}, logit, DType::f32).set_requires_grad(true);
      const Tensor t = Tensor::full({2, 4, 4, 1}, target, DType::f32);
      const Tensor dice = dice_loss(z, t), bce = bce_with_logits(z, t);
      const Tensor loss = add(dice, bce);
      CHECK(std::isfinite(loss.item()));
      CHECK((dice.item() >= 0 && dice.item() <= 1));
      loss.backward();
      CHECK(all_finite(z.grad()));
      // All right already: nothing to learn. All wrong: the cross-entropy pulls, by the mean over 32 pixels.
      if (std::abs(logit) == 1e4) CHECK(std::abs(z.grad().values<float>()[0]) == Approx(logit > 0 == target > 0 ? 0 : 1.0 / 32));
    }
  }
}
