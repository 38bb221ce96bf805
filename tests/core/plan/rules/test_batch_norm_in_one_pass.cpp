#include "core/ops.h"
#include "tests/core/plan/plan_testing.h"

using namespace weft;
using namespace weft::test;

namespace {

const char* const rule = "batch_norm_in_one_pass";
const PlanOptions alone = only({"batch_norm_in_one_pass"});

/// A convolution and a batch norm, of an image to an image of as many channels.
struct Layer : Learner {
  explicit Layer(std::int64_t channels, bool trains_ = true)
      : w(weight({channels, channels, 3, 3})), bn(norm(channels)), trains(trains_) {}
  Tensor conv(const Tensor& x) const { return conv2d(x, w, Tensor(), {.padding = 1}); }
  Tensor operator()(const Tensor& x) const { return bn(conv(x), trains); }

  Tensor w;
  Norm bn;
  bool trains;
};

/// The loss of what `finish` makes of an image.
TrainingStep step_of(const Learner& learner, const Tensor& x, std::function<Tensor(const Tensor&)> finish) {
  const auto f = [finish = std::move(finish)](const Tensors& in) { return Tensors{pulled(finish(in[0]), in[1])}; };
  return {f, {x, random_f32(x.shape())}, learner};
}

int left_of(const Plan& plan) {
  int count = 0;
  for (const char* name :
       {"batch_norm", "batch_norm_parameter_gradients", "batch_norm_input_gradient", "clamp", "clamp_gradient", "add"})
    count += count_of(plan.graph(), name);
  return count;
}

}  // namespace

TEST_CASE("batch_norm_in_one_pass adds and clamps, forwards and backwards", "[plan]") {
  on_each_isa([] {
    for (const Shape& shape : {Shape{1, 5, 3, 7}, {2, 4, 9, 16}, {3, 1, 7, 19}}) {
      for (const bool trains : {true, false}) {
        const Layer layer(shape[3], trains);
        const Tensor x = random_f32(shape), w = layer.parameters[0];
        CAPTURE(shape.to_string(), trains);
        const auto check = [&](const std::function<Tensor(const Tensor&)>& f) {
          const Plan plan = check_trained(step_of(layer, x, f), 0, alone);
          CHECK(applied(plan, rule) == 4);  // channel numbers, normalise, sums, gradient
          CHECK(left_of(plan) == 0);
        };
        check(layer);
        check([&](const Tensor& t) { return relu6(layer(t)); });
        check([&](const Tensor& t) { return add(layer(t), t); });
        check([&](const Tensor& t) { return relu(add(layer(t), t)); });
        check([&](const Tensor& t) { return clamp(add(tanh(t), layer(t)), -0.25, 0.5); });
      }
    }
  });
}

TEST_CASE("batch_norm_in_one_pass keeps any bounds and epsilon", "[plan]") {
  const Layer layer(8);
  const Tensor x = random_f32({2, 5, 7, 8});
  for (const auto& [lower, upper] :
       {std::pair{0.0, INFINITY}, {-INFINITY, 0.1}, {-0.3, 0.3}, {0.2, 0.2}, {-INFINITY, INFINITY}}) {
    for (const double epsilon : {1e-5, 0.5}) {
      CAPTURE(lower, upper, epsilon);
      const auto clamped = [&, lower = lower, upper = upper](const Tensor& t) {
        return clamp(layer.bn(layer.conv(t), true, epsilon), lower, upper);
      };
      CHECK(left_of(check_trained(step_of(layer, x, clamped), 0, alone)) == 0);
      const auto added = [&, lower = lower, upper = upper](const Tensor& t) {
        return clamp(add(t, layer.bn(layer.conv(t), true, epsilon)), lower, upper);
      };
      CHECK(left_of(check_trained(step_of(layer, x, added), 0, alone)) == 0);
    }
  }
}

TEST_CASE("batch_norm_in_one_pass where two norms meet, and gradients of the sum go further", "[plan]") {
  Layer first(8);
  const Layer second(8);
  first.parameters.insert(first.parameters.end(), second.parameters.begin(), second.parameters.end());
  first.statistics.insert(first.statistics.end(), second.statistics.begin(), second.statistics.end());
  const Tensor x = random_f32({2, 5, 7, 8});
  // One of the norms is the other's residual: dz is both's.
  CHECK(left_of(check_trained(step_of(first, x, [&](const Tensor& t) { return relu(add(first(t), second(t))); }), 0,
                              alone)) == 0);
  // The residual learns as well.
  const auto block = [&](const Tensor& t) {
    const Tensor y = relu(first(t));
    return relu(add(second(y), y));
  };
  check_trained(step_of(first, x, block), 0, alone);
  // The residual is what is normalised.
  check_trained(step_of(first, x,
                        [&](const Tensor& t) {
                          const Tensor h = first.conv(t);
                          return relu(add(h, first.bn(h, true)));
                        }),
                0, alone);
}

TEST_CASE("batch_norm_in_one_pass where parts don't learn", "[plan]") {
  const Tensor x = random_f32({2, 5, 7, 8});
  for (const bool trains : {true, false}) {
    CAPTURE(trains);
    Learner learner;
    const Tensor w = learner.weight({8, 8, 3, 3}), frozen_w = random_f32({8, 8, 3, 3});
    const Norm norm = learner.norm(8), frozen = learner.frozen_norm(8);
    Norm beta_learns = learner.frozen_norm(8);
    learner.parameters.push_back(beta_learns.beta.set_requires_grad(true));
    const auto conv = [](const Tensor& t, const Tensor& filters) {
      return conv2d(t, filters, Tensor(), {.padding = 1});
    };
    for (const Norm& bn : {norm, frozen, beta_learns}) {
      const auto f = [&](const Tensor& t) { return relu(bn(conv(t, w), trains)); };
      CHECK(left_of(check_trained(step_of(learner, x, f), 0, alone)) == 0);
    }
    for (const Norm& bn : {norm, beta_learns}) {  // what comes before needs no gradient
      const auto f = [&](const Tensor& t) { return relu(add(bn(conv(t, frozen_w), trains), t)); };
      CHECK(left_of(check_trained(step_of(learner, x, f), 0, alone)) == 0);
      const auto given = [&](const Tensor& t) { return relu(bn(t, trains)); };
      CHECK(left_of(check_trained(step_of(learner, x, given), 0, alone)) == 0);
    }
    const auto through = [&](const Tensor& t) {  // nothing behind the norm that clamps learns
      return conv(relu(frozen(conv(t, frozen_w), trains)), w);
    };
    CHECK(left_of(check_trained(step_of(learner, x, through), 0, alone)) == 0);
  }
}

TEST_CASE("batch_norm_in_one_pass leaves what others read", "[plan]") {
  const Layer layer(8);
  const Tensor x = random_f32({1, 5, 7, 8}), row = random_f32({8}), images = random_f32({3, 5, 7, 8});
  const auto left = [&](const char* name, const GraphFunction& f, Tensor directions = Tensor()) {
    CAPTURE(name);
    if (!directions.defined()) directions = random_f32(x.shape());
    const Plan plan = check_trained({f, {x, directions}, layer}, 0, alone);
    CHECK(count_of(plan.graph(), "batch_norm") == 0);
    CHECK(count_of(plan.graph(), name) == 1);
    return plan;
  };
  const auto loss = [](const Tensor& y, const Tensors& in) { return Tensors{pulled(y, in[1])}; };
  const Plan twice = left("clamp_gradient", [&](const Tensors& in) {
    const Tensor u = layer(in[0]);
    return loss(multiply(relu(u), tanh(u)), in);
  });
  CHECK(count_of(twice.graph(), "clamp") == 1);
  left("clamp", [&](const Tensors& in) {
    const Tensor u = layer(in[0]);
    return Tensors{pulled(relu(u), in[1]), u};  // u is a result
  });
  left("clamp", [&](const Tensors& in) {
    const Tensor u = add(layer(in[0]), in[0]);
    return Tensors{pulled(relu(u), in[1]), u};
  });
  left("clamp", [&](const Tensors& in) {
    const Tensor u = layer(in[0]);
    return loss(relu(add(u, u)), in);
  });
  left("add", [&](const Tensors& in) { return loss(relu(add(layer(in[0]), row)), in); });
  left(
      "add", [&](const Tensors& in) { return loss(relu(add(images, layer(in[0]))), in); }, random_f32(images.shape()));
  // What is clamped may have any readers, and be a result.
  const auto read_twice = [&](const Tensors& in) {
    const Tensor y = relu(layer(in[0]));
    return Tensors{pulled(multiply(y, tanh(y)), in[1]), y};
  };
  const Plan plan = check_trained({read_twice, {x, random_f32(x.shape())}, layer}, 0, alone);
  CHECK(count_of(plan.graph(), "clamp") + count_of(plan.graph(), "clamp_gradient") == 0);
}

TEST_CASE("batch_norm_in_one_pass tells norms of the same image apart", "[plan]") {
  const Layer layer(8, false);
  const Tensor x = random_f32({1, 5, 7, 8});
  const auto two = [&](double first, double second, bool detached) {
    return [&, first, second, detached](const Tensor& t) {
      const Tensor h = layer.conv(t);
      const Tensor other = layer.bn(detached ? h.detach() : h, false, second);
      return add(relu(layer.bn(h, false, first)), multiply(other, t));
    };
  };
  for (const bool detached : {false, true}) {
    for (const auto& [first, second] : {std::pair{1e-5, 1e-5}, {1e-5, 2.0}, {2.0, 1e-5}}) {
      CAPTURE(detached, first, second);
      check_trained(step_of(layer, x, two(first, second, detached)), 0, alone);
    }
  }
}

TEST_CASE("batch_norm_in_one_pass leaves float64 alone", "[plan]") {
  Learner learner;
  const Norm bn(4, DType::f64);
  for (const Tensor& t : {bn.gamma, bn.beta}) learner.parameters.push_back(t.set_requires_grad(true));
  const auto f = [&](const Tensors& in) { return Tensors{pulled(relu(bn(in[0], true)), in[1])}; };
  const TrainingStep step{f, {random_f64({2, 3, 5, 4}), random_f64({2, 3, 5, 4})}, learner};
  check_step_refused(rule, "the kernels are float32's", step, alone);
}
