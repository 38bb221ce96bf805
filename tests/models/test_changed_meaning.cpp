// Who changes what a network means changes it in one place, and nothing else knows of it: the plan computes the new
// meaning, as fast as it can, and float64 agrees. (What these changes cost: the test marked [.long].)

#include <algorithm>
#include <chrono>

#include "core/autograd.h"
#include "core/plan/plan.h"
#include "models/registry.h"
#include "tests/gradcheck.h"
#include "tests/models/changed_unet.h"

using namespace weft;
using namespace weft::test;

namespace {

Tensor leaky(const Tensor& x) { return leaky_relu(x, 0.1); }

struct Change {
  std::string name;
  std::function<std::unique_ptr<ChangedUNet>()> make;
};

const std::vector<std::int64_t> widths{256, 128, 64, 32, 16};

std::unique_ptr<ChangedUNet> unet(std::unique_ptr<Encoder> encoder, const std::vector<std::int64_t>& decoder = widths,
                                  const DecoderChange& change = {}) {
  auto network = std::make_unique<ChangedUNet>(std::move(encoder), decoder, change);
  network->initialise(3);
  return network;
}

Change original() {
  return {"original", [] { return unet(std::make_unique<MobileNetV2>()); }};
}

std::vector<Change> changes() {
  return {
      {"leaky ReLU in the decoder",
       [] { return unet(std::make_unique<MobileNetV2>(), widths, {.activation = leaky}); }},
      {"group norm in the decoder",
       [] { return unet(std::make_unique<MobileNetV2>(), widths, {.norm = DecoderChange::Norm::group}); }},
      {"ReLU for ReLU6 in the encoder", [] { return unet(std::make_unique<MobileNetV2>(relu)); }},
      {"dropout before the head", [] { return unet(std::make_unique<MobileNetV2>(), widths, {.dropout = 0.3}); }},
  };
}
std::unique_ptr<ChangedUNet> three_stages() {
  return unet(std::make_unique<ThreeStages>(std::make_unique<MobileNetV2>()), {64, 32, 16});
}

Plan::Function forward_of(const ChangedUNet& network) {
  return [&](const Tensors& in) { return network.forward(in[0]); };
}
Plan::Function loss_of(const ChangedUNet& network) {
  return [&](const Tensors& in) { return bce_with_logits(network.forward(in[0]), in[1]); };
}

/// How far the gradients of all parameters, taken as one vector, are from the other network's, in parts of its length.
double gradient_difference(const ChangedUNet& a, const ChangedUNet& b) {
  const auto all = a.named_parameters(), others = b.named_parameters();
  double squares = 0, differences = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    REQUIRE(all[i].tensor.grad().defined() == others[i].tensor.grad().defined());
    if (!all[i].tensor.grad().defined()) continue;  // of a stage that nobody reads
    const Tensor x = all[i].tensor.grad().to(DType::f64), y = others[i].tensor.grad().to(DType::f64);
    for (std::int64_t k = 0; k < x.count(); ++k) {
      squares += y.data<double>()[k] * y.data<double>()[k];
      differences += std::pow(x.data<double>()[k] - y.data<double>()[k], 2);
    }
  }
  return std::sqrt(differences / squares);
}

void check_against_double(const std::string& name, const std::function<std::unique_ptr<ChangedUNet>()>& make) {
  INFO(name);
  const auto network = make(), exact = make();
  exact->to(DType::f64);
  const Tensor x = random_f32({2, 128, 96, 3}), mask = relu(random_f32({2, 128, 96, 1}));
  {
    network->eval(), exact->eval();
    const NoGrad no_grad;
    const Plan plan = Plan::inference(forward_of(*network), {x.shape()});
    CHECK(relative_difference(plan.run({x}), exact->forward(x.to(DType::f64))) < 1e-4);
  }
  network->train(), exact->train();
  const Plan plan = Plan::training(loss_of(*network), {x.shape(), mask.shape()});
  const double loss = plan.run({x, mask}).item();
  const Tensor exact_loss = loss_of(*exact)({x.to(DType::f64), mask.to(DType::f64)});
  exact_loss.backward();
  CHECK(loss == Approx(exact_loss.item()).epsilon(1e-4));
  // A clamp or a maximum that falls on the other side by rounding moves these gradients by a hundredth or two, planned
  // or not; a gradient of another meaning is off by ten times that.
  CHECK(gradient_difference(*network, *exact) < 0.05);
  // Without its rules a plan is the network as it stands, to the bit.
  const auto eager = make();
  eager->train();
  loss_of (*eager)({x, mask}).backward();
  CHECK(gradient_difference(*eager, *exact) < 0.05);
  const auto captured = make();
  captured->train();
  Plan::training(loss_of(*captured), {x.shape(), mask.shape()}, {.without = {"all"}}).run({x, mask});
  CHECK(gradient_difference(*captured, *eager) == 0);
}

}  // namespace

TEST_CASE("a changed meaning is computed as it is meant, in float32 as in float64", "[models]") {
  check_against_double("original", original().make);
  for (const Change& change : changes()) check_against_double(change.name, change.make);
  check_against_double("an encoder of three stages", three_stages);
}

TEST_CASE("a change is a change: other numbers than the original's", "[models]") {
  const Tensor x = random_f32({1, 64, 64, 3});
  const auto run = [&](const Change& change) {
    const auto network = change.make();
    network->eval();
    return Plan::inference(forward_of(*network), {x.shape()}).run({x});
  };
  const Tensor expected = run(original());
  for (const Change& change : changes()) {
    INFO(change.name);
    const bool evaluates_as_before = change.name == "dropout before the head";
    CHECK((relative_difference(run(change), expected) > 1e-3) != evaluates_as_before);
  }
}

TEST_CASE("a changed network keeps most of its speed", "[.long]") {
  // In turn, the shortest of several: other programs may be running.
  const auto ms = [](const std::function<void()>& run) {
    const auto start = std::chrono::steady_clock::now();
    run();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  };
  const Tensor x = random_f32({1, 512, 512, 3}), batch = random_f32({2, 256, 256, 3}),
               mask = relu(random_f32({2, 256, 256, 1}));
  for (const Change& change : changes()) {
    const auto before = original().make(), after = change.make();
    for (const bool trains : {false, true}) {
      const auto plan_of = [&](ChangedUNet& network) {
        network.train(trains);
        return trains ? Plan::training(loss_of(network), {batch.shape(), mask.shape()})
                      : Plan::inference(forward_of(network), {x.shape()});
      };
      const Plan first = plan_of(*before), second = plan_of(*after);
      const Tensors inputs = trains ? Tensors{batch, mask} : Tensors{x};
      double time_before = 1e9, time_after = 1e9;
      for (int round = 0; round < 12; ++round) {
        time_before = std::min(time_before, ms([&] { first.run(inputs); }));
        time_after = std::min(time_after, ms([&] { second.run(inputs); }));
      }
      const double speed = time_before / time_after;
      WARN(change.name << (trains ? ", training: " : ", inference: ") << speed << " of the speed, " << time_after
                       << " ms");
      CHECK(speed >= 0.6);
    }
  }
}
