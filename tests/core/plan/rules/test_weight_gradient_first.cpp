#include "core/ops.h"
#include "tests/core/plan/plan_testing.h"

using namespace weft;
using namespace weft::test;

namespace {

const char* const rule = "weight_gradient_first";
const PlanOptions alone = only({"weight_gradient_first"});

/// The names of the steps that make gradients of convolutions, in order.
Names gradients_of(const Plan& plan) {
  Names names;
  for (const std::string& name : names_of(plan.graph())) {
    const bool is_conv = name.find("conv2d") != std::string::npos || name == "bias_gradient";
    if (is_conv && name.find("gradient") != std::string::npos) names.push_back(name);
  }
  return names;
}

}  // namespace

TEST_CASE("weight_gradient_first moves a convolution's weight gradient before its input's", "[plan]") {
  Learner learner;
  const Tensor first = learner.weight({8, 3, 3, 3}), second = learner.weight({8, 8, 3, 3}), bias = learner.weight({8}),
               third = learner.weight({8, 8, 1, 1});
  const Conv2dOptions padded{.padding = 1};
  const auto f = [&](const Tensor& t) {
    const Tensor y = tanh(conv2d(silu(conv2d(t, first, Tensor(), padded)), second, bias, padded));
    return add(conv2d(y, third), y);
  };
  for (const Shape& shape : {Shape{1, 5, 3, 3}, {2, 9, 7, 3}, {3, 32, 33, 3}}) {
    const TrainingStep step = step_of_mean(learner, random_f32(shape), f);
    const Plan plan = check_trained(step, 0, alone), before = training_plan(step, {.without = {"all"}});
    CHECK(applied(plan, rule) == 2);
    const std::string dw = "conv2d_weight_gradient", dx = "conv2d_input_gradient";
    CHECK(gradients_of(plan) == Names{dw, dx, dw, dx, "bias_gradient", dw});
    CHECK(gradients_of(before) == Names{dx, dw, dx, dw, "bias_gradient", dw});
  }
}

TEST_CASE("weight_gradient_first lets the place of an input go", "[plan]") {
  Learner learner;
  const Tensor first = learner.weight({16, 3, 1, 1}), second = learner.weight({16, 16, 5, 5});
  // What is convolved has no other reader behind it: a maximum keeps its own two images.
  const auto f = [&](const Tensor& t) {
    return conv2d(add_scalar(conv2d(t, first), 1), second, Tensor(), {.padding = 2});
  };
  const TrainingStep step = step_of_mean(learner, random_f32({2, 33, 40, 3}), f);
  CHECK(check_trained(step, 0, alone).arena_bytes() < training_plan(step, {.without = {"all"}}).arena_bytes());
}

TEST_CASE("weight_gradient_first of the kernels of other rules", "[plan]") {
  Learner learner;
  const Tensor first = learner.weight({16, 3, 1, 1}), of_skip = learner.weight({8, 3, 1, 1}),
               up = learner.weight({16, 24, 3, 3}), last = learner.weight({16, 16, 3, 3});
  const Norm a = learner.norm(16);
  const auto f = [&](const Tensors& in) {
    const Tensor joined =
        concat_channels({upsample_nearest2x(tanh(conv2d(in[0], first))), tanh(conv2d(in[1], of_skip))});
    const Tensor y = relu(a(conv2d(joined, up, Tensor(), {.padding = 1}), true));
    return Tensors{mean(tanh(conv2d(y, last, Tensor(), {.padding = 1})))};
  };
  const PlanOptions options =
      only({"upsample_convolution_training", "batch_norm_in_one_pass", "normalise_on_read", rule});
  PlanOptions without = options;
  without.without.emplace_back(rule);
  for (const auto& [h, w] : {std::pair{5, 3}, {9, 8}}) {
    const TrainingStep step{f, {random_f32({2, h, w, 3}), random_f32({2, 2 * h, 2 * w, 3})}, learner};
    const Plan plan = check_same_bits(step, options, without);
    CHECK(gradients_of(plan) == Names{"conv2d_weight_gradient_of_normalised", "conv2d_input_gradient",
                                      "upsample_conv2d_weight_gradient", "upsample_conv2d_skip_gradient",
                                      "conv2d_weight_gradient", "upsample_conv2d_input_gradient",
                                      "conv2d_weight_gradient"});
  }
}

TEST_CASE("weight_gradient_first leaves alone what it must", "[plan]") {
  Learner learner;
  const Tensor first = learner.weight({8, 3, 1, 1}), up = learner.weight({8, 6, 2, 2}),
               w = learner.weight({8, 8, 1, 1});
  const Tensor x = random_f32({2, 5, 7, 3});
  const auto none = [&](const ImageFunction& f) { check_step_refused(rule, "", step_of_mean(learner, x, f), alone); };
  none([&](const Tensor& t) { return conv2d(t, first); });                            // no input gradient
  none([&](const Tensor& t) { return conv2d(tanh(conv2d(t, first)), w.detach()); });  // no weight gradient
  // Of a transposed convolution the gradient of the weight reads x where others read dy, and what reads x as well may
  // come before its output's gradient is there.
  none([&](const Tensor& t) {
    const Tensor h = conv2d(t, first), y = tanh(conv_transpose2d(h, up, Tensor(), {.stride = 2}));
    return multiply(y, mean(silu(h)));
  });
  // float64 has the same steps, and moves them.
  Learner in_double;
  const Tensor a = random_f64({4, 3, 1, 1}), b = random_f64({4, 4, 3, 3});
  in_double.parameters = {a.set_requires_grad(true), b.set_requires_grad(true)};
  const auto f64 = [&](const Tensor& t) { return conv2d(tanh(conv2d(t, a)), b); };
  CHECK(applied(check_trained(step_of_mean(in_double, random_f64({1, 5, 6, 3}), f64), 0, alone), rule) == 1);
}
