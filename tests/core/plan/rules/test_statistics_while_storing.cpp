#include "core/ops.h"
#include "tests/core/plan/plan_testing.h"

using namespace weft;
using namespace weft::test;

namespace {

const char* const rule = "statistics_while_storing";
const PlanOptions alone = only({"statistics_while_storing"});
const PlanOptions upon_others =
    only({"upsample_convolution_training", "batch_norm_in_one_pass", "normalise_on_read", "statistics_while_storing"});

/// A convolution and the norm of its output.
struct Layer : Learner {
  Layer(const Shape& filters, const Conv2dOptions& options_, bool has_bias = false)
      : w(weight(filters)), b(has_bias ? weight({filters[0]}) : Tensor()), bn(norm(filters[0])), options(options_) {}
  Tensor conv(const Tensor& x) const { return conv2d(x, w, b, options); }
  Tensor operator()(const Tensor& x) const { return bn(conv(x), true); }

  Tensor w, b;
  Norm bn;
  Conv2dOptions options;
};

TrainingStep step_of(const Layer& layer, const Tensor& x, const std::function<Tensor(const Tensor&)>& f) {
  const NoGrad no_grad;
  const Tensor directions = random_f32(layer.conv(x).shape());
  return {[f](const Tensors& in) { return Tensors{pulled(f(in[0]), in[1])}; }, {x, directions}, layer};
}

}  // namespace

TEST_CASE("statistics_while_storing with each of the convolutions", "[plan]") {
  on_each_isa([] {
    for (const Layer& layer : {Layer({16, 8, 3, 3}, {.padding = 1}), Layer({7, 8, 3, 3}, {.padding = 1}),
                               Layer({8, 1, 3, 3}, {.padding = 1, .groups = 8}),
                               Layer({8, 1, 3, 3}, {.stride = 2, .padding = 1, .groups = 8}), Layer({24, 8, 1, 1}, {}),
                               Layer({5, 8, 1, 1}, {}), Layer({16, 8, 3, 3}, {.stride = 2, .padding = 1}),
                               Layer({6, 8, 5, 5}, {.padding = 2}), Layer({8, 4, 3, 3}, {.padding = 1, .groups = 2}),
                               Layer({8, 8, 3, 3}, {.padding = 2, .dilation = 2})}) {
      for (const Shape& shape : {Shape{1, 5, 3, 8}, {2, 9, 7, 8}, {3, 13, 18, 8}}) {
        CAPTURE(layer.w.shape().to_string(), shape.to_string());
        const Plan plan = check_trained(step_of(layer, random_f32(shape), layer), 2e-5, alone);
        CHECK(applied(plan, rule) == 1);
        CHECK(count_of(plan.graph(), "conv2d_storing") == 1);
        CHECK(count_of(plan.graph(), "channel_statistics") == 0);
      }
    }
  });
}

TEST_CASE("statistics_while_storing counts the bias in", "[plan]") {
  for (const Layer& layer : {Layer({16, 8, 3, 3}, {.padding = 1}, true), Layer({24, 8, 1, 1}, {}, true),
                             Layer({8, 1, 3, 3}, {.padding = 1, .groups = 8}, true)}) {
    // The bias's own gradient is zero but for rounding, as the norm takes the bias out again: it is frozen.
    layer.b.copy_from(scale(random_f32(layer.b.shape()), 5).detach());
    Layer frozen = layer;
    frozen.b = layer.b.detach();
    std::erase_if(frozen.parameters, [&](const Tensor& p) { return p.identity() == layer.b.identity(); });
    const auto f = [&](const Tensor& x) { return frozen(x); };
    CHECK(applied(check_trained(step_of(frozen, random_f32({2, 5, 7, 8}), f), 2e-5, alone), rule) == 1);
  }
}

TEST_CASE("statistics_while_storing of images that others read, or that are results", "[plan]") {
  const Layer layer({16, 8, 3, 3}, {.padding = 1});
  const Tensor x = random_f32({2, 5, 7, 8}), directions = random_f32({2, 5, 7, 16});
  const auto shown = [&](const Tensors& in) {
    const Tensor h = layer.conv(in[0]);
    return Tensors{pulled(multiply(layer.bn(h, true), tanh(h)), in[1]), h};
  };
  CHECK(applied(check_trained({shown, {x, directions}, layer}, 2e-5, alone), rule) == 1);
  // Only the statistics learn from it: what is normalised is no result.
  const auto moved = [&](const Tensors& in) {
    const Tensor h = layer.conv(in[0]);
    layer.bn(h.detach(), true);
    return Tensors{pulled(h, in[1])};
  };
  CHECK(applied(check_trained({moved, {x, directions}, layer}, 2e-5, alone), rule) == 1);
}

TEST_CASE("statistics_while_storing from kernels that other rules chose", "[plan]") {
  on_each_isa([] {
    Learner learner;
    const Tensor up = learner.weight({16, 24, 3, 3}), first = learner.weight({8, 16, 1, 1}),
                 depth = learner.weight({8, 1, 3, 3}), last = learner.weight({16, 8, 3, 3});
    const Norm a = learner.norm(16), b = learner.norm(8), c = learner.norm(8), d = learner.norm(16);
    const auto f = [&](const Tensors& in) {
      const Tensor joined = concat_channels({upsample_nearest2x(in[0]), in[1]});
      Tensor y = relu6(a(conv2d(joined, up, Tensor(), {.padding = 1}), true));
      y = relu6(b(conv2d(y, first), true));
      y = relu6(c(conv2d(y, depth, Tensor(), {.padding = 1, .groups = 8}), true));
      return Tensors{pulled(d(conv2d(y, last, Tensor(), {.padding = 1}), true), in[2])};
    };
    const Tensors in{random_f32({2, 5, 3, 16}), random_f32({2, 10, 6, 8}), random_f32({2, 10, 6, 16})};
    const Plan plan = check_trained({f, in, learner}, 1e-4, upon_others);
    CHECK(applied(plan, rule) == 4);
    CHECK(count_of(plan.graph(), "channel_statistics") == 0);
    CHECK(count_of(plan.graph(), "upsample_conv2d_storing") == 1);
    CHECK(count_of(plan.graph(), "conv2d_of_normalised") == 3);
  });
}

TEST_CASE("statistics_while_storing leaves alone what it must", "[plan]") {
  const Layer layer({16, 8, 3, 3}, {.padding = 1});
  const Tensor x = random_f32({2, 5, 7, 8});
  Learner learner;
  const Norm bn = learner.norm(8);
  const auto given = [&](const Tensors& in) { return Tensors{pulled(bn(in[0], true), in[1])}; };
  check_step_refused(rule, "what it is of is given", {given, {x, random_f32(x.shape())}, learner}, alone);
  check_step_refused(rule, "no kernel of tanh takes them",
                     step_of(layer, x, [&](const Tensor& t) { return layer.bn(tanh(layer.conv(t)), true); }), alone);
  Learner transposed;
  const Tensor w = transposed.weight({8, 6, 2, 2});
  const Norm bn6 = transposed.norm(6);
  const auto up = [&](const Tensors& in) {
    return Tensors{pulled(bn6(conv_transpose2d(in[0], w, Tensor(), {.stride = 2}), true), in[1])};
  };
  check_step_refused(rule, "no kernel of conv_transpose2d takes them",
                     {up, {x, random_f32({2, 10, 14, 6})}, transposed}, alone);

  // Two norms of one image: the second finds its place taken.
  Layer twice = layer;
  const Norm other = twice.norm(16);
  const auto both = [&](const Tensor& t) {
    const Tensor h = twice.conv(t);
    return add(twice.bn(h, true), relu(other(h, true)));
  };
  const Plan plan = check_trained(step_of(twice, x, both), 2e-5, alone);
  CHECK(applied(plan, rule) == 1);
  CHECK(count_of(plan.graph(), "channel_statistics") == 1);
  CHECK(refusals_of(plan, rule) == Names{"no kernel of conv2d_storing takes them"});

  Learner in_double;
  const Tensor w64 = scale(random_f64({16, 8, 3, 3}), 0.2).set_requires_grad(true);
  in_double.parameters.push_back(w64);
  const Norm bn64(16, DType::f64);
  const auto f64 = [&](const Tensors& in) { return Tensors{pulled(bn64(conv2d(in[0], w64), true), in[1])}; };
  check_step_refused(rule, "no kernel of conv2d takes them",
                     {f64, {random_f64({2, 5, 7, 8}), random_f64({2, 3, 5, 16})}, in_double}, alone);
}
