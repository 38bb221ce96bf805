#include "core/ops.h"
#include "tests/core/plan/plan_testing.h"

using namespace weft;
using namespace weft::test;

namespace {

const char* const rule = "add_where_it_lies";
const PlanOptions alone = only({"add_where_it_lies"});
const std::string no_kernel = "no kernel that adds makes the later of the two, for it alone";

/// An image that several readers get, behind a convolution that learns.
struct Shared : Learner {
  explicit Shared(std::int64_t channels_) : channels(channels_), first(weight({channels_, 3, 1, 1})) {}
  Tensor image(const Tensor& x) const { return tanh(conv2d(x, first)); }
  std::int64_t channels;
  Tensor first;
};

TrainingStep step_of(const Shared& shared, const Tensor& x, const ImageFunction& f) {
  const auto loss = [&shared, f](const Tensors& in) { return Tensors{mean(tanh(f(shared.image(in[0]))))}; };
  return {loss, {x}, shared};
}

int adds_of(const Plan& plan) { return count_of(plan.graph(), "add"); }

}  // namespace

TEST_CASE("add_where_it_lies joins gradients of every convolution and of pooling", "[plan]") {
  on_each_isa([] {
    for (const std::int64_t c : {8, 7, 16}) {
      for (const Shape& shape : {Shape{1, 5, 3, 3}, {2, 9, 7, 3}, {3, 4, 13, 3}}) {
        for (const auto& [filters, options] : {std::pair{Shape{c, c, 3, 3}, Conv2dOptions{.padding = 1}},
                                               {Shape{c, c, 1, 1}, {}},
                                               {Shape{c, 1, 3, 3}, {.padding = 1, .groups = c}},
                                               {Shape{c, c, 5, 5}, {.padding = 2}},
                                               {Shape{c, c, 3, 3}, {.padding = 2, .dilation = 2}}}) {
          CAPTURE(shape.to_string(), filters.to_string());
          Shared shared(c);
          const Tensor w = shared.weight(filters);
          const auto conv = [&, options = options](const Tensor& t) { return conv2d(t, w, Tensor(), options); };
          const auto x = random_f32(shape);
          // The block's own path comes last in the backward pass, or first.
          const auto plan =
              check_trained(step_of(shared, x, [&](const Tensor& t) { return add(conv(t), t); }), 0, alone);
          CHECK(applied(plan, rule) == 1);
          CHECK(adds_of(plan) == 1);  // the forward's
          check_trained(step_of(shared, x, [&](const Tensor& t) { return multiply(sigmoid(t), conv(t)); }), 0, alone);
          const auto three = check_trained(
              step_of(shared, x, [&](const Tensor& t) { return add(add(conv(t), conv(tanh(t))), conv(t)); }), 0, alone);
          CHECK(applied(three, rule) > 0);
        }
        Shared shared(c);
        const auto pooled = [](const Tensor& t) {
          const Tensor small = max_pool2d(t, {.kernel = 3, .stride = 1, .padding = 1});
          return multiply(small, sigmoid(t));
        };
        const Plan plan = check_trained(step_of(shared, random_f32(shape), pooled), 0, alone);
        CHECK(applied(plan, rule) == 1);
        for (const Step& step : plan.graph().steps()) {
          if (step.rules.empty()) continue;
          CHECK(plan.offset(step.inputs.back()) >= 0);  // in the place of what is there
          CHECK(plan.offset(step.inputs.back()) == plan.offset(step.outputs[0]));
        }
      }
    }
  });
}

TEST_CASE("add_where_it_lies adds to gradients that others still read", "[plan]") {
  Shared shared(8);
  const Tensor w = shared.weight({8, 8, 3, 3}), v = shared.weight({8, 8, 3, 3});
  const auto conv = [](const Tensor& t, const Tensor& filters) { return conv2d(t, filters, Tensor(), {.padding = 1}); };
  // dy of the sum is its own part of the gradient, and is read by the convolution's two gradients.
  const auto f = [&](const Tensor& t) { return add(t, conv(t, w)); };
  CHECK(applied(check_trained(step_of(shared, random_f32({2, 5, 7, 3}), f), 0, alone), rule) == 1);
  const auto chain = [&](const Tensor& t) {
    const Tensor a = f(t), b = add(a, conv(tanh(a), v));
    return add(multiply(b, t), a);
  };
  CHECK(applied(check_trained(step_of(shared, random_f32({2, 5, 7, 3}), chain), 0, alone), rule) > 0);
}

TEST_CASE("add_where_it_lies upon the kernels of other rules", "[plan]") {
  const PlanOptions with = only({"upsample_convolution_training", "batch_norm_in_one_pass", "normalise_on_read",
                                 "both_gradients", "add_where_it_lies"});
  PlanOptions without = with;
  without.without.emplace_back(rule);
  Shared shared(16);
  const Norm a = shared.norm(16), b = shared.norm(16);
  const Tensor w = shared.weight({16, 16, 1, 1}), up = shared.weight({16, 32, 3, 3});
  const auto pointwise = [&](const Tensor& t) { return add(b(conv2d(relu(a(conv2d(t, w), true)), w), true), t); };
  const Plan plan = check_same_bits(step_of(shared, random_f32({2, 5, 7, 3}), pointwise), with, without);
  CHECK(applied(plan, rule) > 0);
  const auto decoder = [&](const Tensor& t) {
    const Tensor small = avg_pool2d(t, {});
    const Tensor y = conv2d(concat_channels({upsample_nearest2x(small), t}), up, Tensor(), {.padding = 1});
    return multiply(y, sigmoid(upsample_bilinear2x(small)));
  };
  const Plan decoded = check_same_bits(step_of(shared, random_f32({2, 6, 8, 3}), decoder), with, without);
  CHECK(applied(decoded, rule) > 0);
}

TEST_CASE("add_where_it_lies leaves alone what it must", "[plan]") {
  Shared shared(8);
  const Tensor w = shared.weight({8, 8, 3, 3}), row = shared.weight({8}), v = shared.weight({8, 8, 3, 3});
  const Tensor x = random_f32({2, 5, 7, 3});
  const auto conv = [](const Tensor& t, const Tensor& filters) { return conv2d(t, filters, Tensor(), {.padding = 1}); };
  const auto refuses = [&](const ImageFunction& f) {
    return check_step_refused(rule, no_kernel, step_of(shared, x, f), alone);
  };
  refuses([](const Tensor& t) { return add(sigmoid(t), relu(t)); });               // no kernel on either side
  refuses([&](const Tensor& t) { return conv(add(conv(t, w), t.detach()), v); });  // a convolution in the forward pass
  // The convolution's contribution comes first: what it would add to is not there yet.
  const Plan earlier = refuses([&](const Tensor& t) {
    const Tensor s = sigmoid(t);
    return multiply(conv(t, w), s);
  });
  CHECK(adds_of(earlier) == 1);
  // The gradient of a sum is that of both its terms: here one of them has another part, the other is read on its own.
  refuses([&](const Tensor& t) {
    const Tensor y = conv(add(t, relu(t)), w);
    const Tensor s = sigmoid(t);
    return add(y, s);
  });

  // Sums that are no such sums are not even looked at.
  const auto none = [&](const ImageFunction& f) { check_step_refused(rule, "", step_of(shared, x, f), alone); };
  none([&](const Tensor& t) { return add(conv(t, w), row); });
  none([&](const Tensor& t) {
    const Tensor y = conv(t, w);
    return add(y, y);
  });
  Learner in_double;
  const Tensor w64 = scale(random_f64({4, 4, 3, 3}), 0.2).set_requires_grad(true), first64 = random_f64({4, 4, 1, 1});
  in_double.parameters = {w64, first64.set_requires_grad(true)};
  const auto f64 = [&](const Tensors& in) {
    const Tensor t = tanh(conv2d(in[0], first64));
    return Tensors{pulled(add(conv(t, w64), t), in[1])};
  };
  check_step_refused(rule, "", {f64, {random_f64({2, 5, 7, 4}), random_f64({2, 5, 7, 4})}, in_double}, alone);
}

TEST_CASE("add_where_it_lies leaves kernels that do more already, or can't add", "[plan]") {
  Shared shared(8);
  const Norm bn = shared.norm(8);
  const Tensor w = shared.weight({8, 8, 3, 3}), depth = shared.weight({8, 1, 3, 3});
  const Tensor x = random_f32({2, 5, 7, 3});
  // Statistics are of what the convolution makes, not of the sum.
  const PlanOptions statistics =
      only({"batch_norm_in_one_pass", "normalise_on_read", "statistics_while_storing", rule});
  const auto f = [&](const Tensor& t) {
    const Tensor h = conv2d(t, w, Tensor(), {.padding = 1});
    bn(h.detach(), true);
    return add(h, sigmoid(t).detach());
  };
  check_step_refused(rule, no_kernel, step_of(shared, x, f), statistics);
  // Both gradients of a depthwise convolution: that kernel does not add.
  const auto depthwise = [&](const Tensor& t) {
    return add(bn(conv2d(t, depth, Tensor(), {.padding = 1, .groups = 8}), true), t);
  };
  const Plan plan = check_step_refused(rule, no_kernel, step_of(shared, x, depthwise),
                                       only({"batch_norm_in_one_pass", "both_gradients", rule}));
  CHECK(count_of(plan.graph(), "conv2d_gradients") == 1);
}
