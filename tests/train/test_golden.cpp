// Optimizers and whole training steps against PyTorch (tests/golden/README.md).

#include <cmath>

#include "core/autograd.h"
#include "models/unet.h"
#include "tests/catch.h"
#include "tests/golden/golden_network.h"
#include "train/optimizer.h"

using namespace weft;
using namespace weft::test;
using nlohmann::json;

TEST_CASE("optimizers take PyTorch's steps", "[train][golden]") {
  for (const auto& test : golden_file("optimizers.json")) {
    INFO(test["optimizer"] << " momentum " << test["momentum"] << " weight decay " << test["weight_decay"]);
    const Tensor parameter = golden_tensor("parameter", {8}, -1, 1, DType::f64).set_requires_grad(true);
    const auto optimizer = make_optimizer(
        {.kind = optimizer_from(test["optimizer"]), .momentum = test["momentum"], .weight_decay = test["weight_decay"]},
        {{.parameters = {{"parameter", parameter}}}});
    int step = 0;
    for (const auto& after : test["parameter_after_step"]) {
      const Tensor gradient = golden_tensor("gradient." + std::to_string(step++), {8}, -1, 1, DType::f64);
      gradient.mutable_data<double>()[0] = 0;
      gradient.mutable_data<double>()[1] *= 0x1p-30;
      parameter.set_grad(gradient);
      optimizer->step(test["lr"]);
      for (std::size_t i = 0; i < 8; ++i)
        CHECK(parameter.data<double>()[i] == Approx(after[i].get<double>()).epsilon(1e-14));
    }
  }
}

namespace {

/// A U-Net on the golden batch, with Adam.
struct Training {
  UNet network;
  Tensor x, t;
  std::unique_ptr<Optimizer> optimizer;
  const double lr;

  Training(const json& test, DType dtype) : network({.arch = test["arch"]}), lr(test["lr"]) {
    golden_network(network, dtype);
    const auto n = test["input"][0].get<std::int64_t>(), h = test["input"][1].get<std::int64_t>(),
               w = test["input"][2].get<std::int64_t>();
    x = golden_tensor("input", {n, h, w, 3}, -2, 2, dtype);
    t = Tensor::from({n, h, w, 1}, golden_mask("mask", n * h * w)).to(dtype);
    optimizer = make_optimizer({.kind = OptimizerKind::adam}, {{.parameters = network.named_parameters()}});
  }

  /// The loss before the update; leaves the gradients of the step.
  double step() {
    network.zero_grad();
    const Tensor logits = network.forward(x);
    const Tensor loss = add(scale(dice_loss(logits, t), 0.5), scale(bce_with_logits(logits, t), 0.5));
    loss.backward();
    optimizer->step(lr);
    return loss.item();
  }
};

/// The network's gradients by name, and its running statistics.
nn::StateDict gradients(const UNet& network) {
  nn::StateDict state;
  for (const auto& [name, parameter] : network.named_parameters()) state.push_back({name, parameter.grad()});
  return state;
}
nn::StateDict running_statistics(const UNet& network) {
  nn::StateDict state;
  for (const auto& [name, buffer] : network.named_buffers()) {
    if (buffer.dtype() != DType::i64) state.push_back({name, buffer.clone()});
  }
  return state;
}

/// Largest difference of a norm or probe to the golden row of that key, over the row's norm or, where larger, `floor`.
double deviation(const nn::StateDict& state, const json& rows, double floor = 0) {
  REQUIRE(state.size() == rows.size());
  double worst = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string key = rows[i]["key"];
    REQUIRE(state[i].name == key);
    const auto values = state[i].tensor.values<double>();
    const double norm = rows[i]["norm"], norm_apart = std::abs(golden_norm(values) - norm);
    const double probe_apart = std::abs(golden_probe(key, values) - rows[i]["probe"].get<double>());
    if (!std::isfinite(norm_apart)) return INFINITY;
    worst = std::max(worst, std::max(norm_apart, probe_apart) / std::max(norm, floor));
  }
  return worst;
}

/// The norm of the difference of two states as one vector.
double apart(const nn::StateDict& a, const nn::StateDict& b) {
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double norm = golden_norm(subtract(a[i].tensor.to(DType::f64), b[i].tensor.to(DType::f64)).values<double>());
    squares += norm * norm;
  }
  return std::sqrt(squares);
}

/// `steps` training steps in float64, and the first one's gradients in float32.
void check_training(const std::string& arch, std::size_t steps) {
  INFO(arch);
  const json test = golden_file("training_" + arch + ".json");
  const double gradient_norm = test["gradient_norm"];

  // A few gradients are zero but for rounding, so theirs is measured by the size of the whole.
  Training exact(test, DType::f64);
  CHECK(exact.step() == Approx(test["losses"][0].get<double>()).epsilon(1e-13));
  const auto exact_gradients = gradients(exact.network);
  CHECK(deviation(exact_gradients, test["gradients"], 1e-6 * gradient_norm) < 1e-10);
  CHECK(deviation(running_statistics(exact.network), test["running_statistics"]) < 1e-12);

  Training single(test, DType::f32);
  CHECK(single.step() == Approx(test["losses"][0].get<double>()).epsilon(1e-6));
  CHECK(apart(gradients(single.network), exact_gradients) < 4 * test["gradient_float32_difference"].get<double>());

  for (std::size_t step = 1; step < steps; ++step) {
    CHECK(exact.step() == Approx(test["losses"][step].get<double>()).epsilon(1e-10));
  }
  if (steps == test["losses"].size())
    CHECK(deviation(exact.network.named_parameters(), test["final_parameters"]) < 1e-9);
}

}  // namespace

TEST_CASE("a training step is PyTorch's", "[train][golden]") {
  check_training("resnet18", 1);
  check_training("mobilenet_v2", 1);
}

TEST_CASE("five training steps are PyTorch's", "[.long][train][golden]") {
  for (const std::string arch : {"resnet18", "mobilenet_v2", "resnet34"}) check_training(arch, 5);
}
