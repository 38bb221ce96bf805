// MobileNetV2's block by plans, held against its layers one by one.

#include <algorithm>
#include <string>
#include <vector>

#include "core/autograd.h"
#include "core/plan/plan.h"
#include "core/profile.h"
#include "models/mobilenet_v2.h"
#include "tests/gradcheck.h"

using namespace weft;
using namespace weft::test;

namespace {

/// Weights and running statistics as if trained.
void randomise(const nn::Module& module) {
  for (const auto& [name, tensor] : module.state_dict()) {
    if (tensor.dtype() != DType::f32) continue;
    const Tensor noise = random_f64(tensor.shape());
    for (std::int64_t i = 0; i < tensor.count(); ++i) {
      const double draw = noise.data<double>()[i];
      Tensor(tensor).mutable_data<float>()[i] =
          static_cast<float>(name.ends_with("running_var") ? 0.5 + draw * draw : 0.5 * draw);
    }
  }
}

Plan plan_of(const InvertedResidual& block, const Shape& x) {
  return Plan::inference([&](const Tensors& in) { return block.forward(in[0]); }, {x});
}

}  // namespace

TEST_CASE("inference with a planned block equals the layers one by one", "[models]") {
  struct Case {
    std::int64_t channels_in, channels_out, stride, expansion;
    Shape x;
  };
  for (const Case& c : {Case{32, 16, 1, 1, {1, 9, 11, 32}},
                        {16, 24, 2, 6, {2, 17, 9, 16}},
                        {24, 24, 1, 6, {1, 35, 6, 24}},
                        {32, 64, 2, 6, {1, 8, 8, 32}},
                        {24, 32, 1, 6, {1, 5, 3, 24}},
                        {8, 8, 1, 1, {1, 4, 20, 8}}}) {
    InvertedResidual block(c.channels_in, c.channels_out, c.stride, c.expansion);
    randomise(block);
    block.eval();
    const Tensor x = random_f32(c.x);
    const Tensor expected = block.forward(x);
    CHECK(expected.requires_grad());
    CHECK(relative_difference(plan_of(block, c.x).run({x}), expected) < 1e-5);
  }
}

TEST_CASE("a planned block follows its weights", "[models]") {
  InvertedResidual block(8, 8, 1, 6);
  randomise(block);
  block.eval();
  const Tensor x = random_f32({1, 6, 6, 8});
  const Plan plan = plan_of(block, x.shape());
  const Tensor before = plan.run({x});
  for (const auto& [name, tensor] : block.state_dict()) {
    if (tensor.dtype() != DType::f32) continue;
    INFO("after a change of " << name);
    Tensor(tensor).mutable_data<float>()[0] += 0.25f;
    CHECK(relative_difference(plan.run({x}), block.forward(x)) < 1e-5);
  }
  CHECK(relative_difference(plan.run({x}), before) > 1e-3);
}

TEST_CASE("a profile shows a planned block as one piece of work", "[models]") {
  InvertedResidual block(8, 12, 2, 6);
  block.eval();
  const Plan plan = plan_of(block, {1, 5, 6, 8});
  const Profile profile;
  plan.run({Tensor::zeros({1, 5, 6, 8})});
  REQUIRE(profile.entries().size() == 1);
  const ProfileEntry& entry = profile.entries()[0];
  CHECK(entry.op == "inverted_residual");
  CHECK(entry.shapes == "[1, 5, 6, 8] -> 48 -> [1, 3, 3, 12], /2");
  CHECK(entry.macs == 30 * 8 * 48 + 9 * 48 * 9 + 9 * 48 * 12);
  CHECK(entry.bytes >= 4 * (30 * 8 + 9 * 12 + 48 * (8 + 9 + 12)));
}

TEST_CASE("a block in training equals its layers one by one, batches counted and statistics moved", "[models]") {
  for (std::int64_t expansion : {1, 6}) {
    InvertedResidual block(16, 16, 1, expansion);
    randomise(block);
    block.train();
    const auto state = block.state_dict();
    const auto value = [&](const std::string& name) {
      for (const auto& [key, tensor] : state) {
        if (key == name) return tensor;
      }
      FAIL("no " << name);
      return Tensor();
    };
    const Tensor x = random_f32({2, 9, 7, 16});
    // By hand, on copies of the running statistics.
    Tensors expected_statistics;
    const auto norm = [&](const Tensor& t, const std::string& name, nn::Activation activation, const Tensor& residual) {
      const Tensor mean = value(name + ".running_mean").clone(), var = value(name + ".running_var").clone();
      expected_statistics.insert(expected_statistics.end(), {mean, var});
      Tensor y = batch_norm(t, value(name + ".weight"), value(name + ".bias"), mean, var, {});
      if (residual.defined()) y = add(y, residual);
      return activation != nullptr ? activation(y) : y;
    };
    const std::string depthwise = expansion > 1 ? "conv.1" : "conv.0", project = expansion > 1 ? "conv.2" : "conv.1",
                      last = expansion > 1 ? "conv.3" : "conv.2";
    Tensor y = x;
    if (expansion > 1) y = norm(conv2d(x, value("conv.0.0.weight")), "conv.0.1", relu6, Tensor());
    y = norm(depthwise_conv2d(y, value(depthwise + ".0.weight"), Tensor(), {.padding = 1}), depthwise + ".1", relu6,
             Tensor());
    y = norm(conv2d(y, value(project + ".weight")), last, nullptr, x);

    CHECK(relative_difference(block.forward(x), y) < 1e-4);
    std::size_t i = 0;
    for (const std::string& name : expansion > 1 ? std::vector<std::string>{"conv.0.1", "conv.1.1", "conv.3"}
                                                 : std::vector<std::string>{"conv.0.1", "conv.2"}) {
      CHECK(relative_difference(value(name + ".running_mean"), expected_statistics[i++]) < 1e-4);
      CHECK(relative_difference(value(name + ".running_var"), expected_statistics[i++]) < 1e-4);
      CHECK(value(name + ".num_batches_tracked").data<std::int64_t>()[0] == 1);
    }
  }
}
