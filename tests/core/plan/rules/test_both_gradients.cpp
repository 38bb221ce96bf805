#include "core/ops.h"
#include "tests/core/plan/plan_testing.h"

using namespace weft;
using namespace weft::test;

namespace {

const char* const rule = "both_gradients";
const PlanOptions alone = only({"batch_norm_in_one_pass", "both_gradients"});

/// A convolution, a 1x1 or depthwise one, and a batch norm behind it.
struct Block : Learner {
  Block(const Shape& filters, const Conv2dOptions& options_)
      : first(weight({filters[1] * options_.groups, 3, 1, 1})),
        second(weight(filters)),
        bn(norm(filters[0])),
        options(options_) {}
  Tensor before(const Tensor& x) const { return silu(conv2d(x, first)); }
  Tensor conv(const Tensor& x) const { return conv2d(x, second, Tensor(), options); }

  Tensor first, second;
  Norm bn;
  Conv2dOptions options;
};

Block pointwise(std::int64_t in, std::int64_t out) { return {{out, in, 1, 1}, {}}; }
Block depthwise(std::int64_t channels, std::int64_t stride) {
  return {{channels, 1, 3, 3}, {.stride = stride, .padding = 1, .groups = channels}};
}

TrainingStep step_of(const Block& block, const Tensor& x, bool trains = true) {
  const auto f = [&block, trains](const Tensors& in) {
    return Tensors{pulled(block.bn(block.conv(block.before(in[0])), trains), in[1])};
  };
  const std::int64_t stride = block.options.stride;
  const Shape y{x.size(0), (x.size(1) - 1) / stride + 1, (x.size(2) - 1) / stride + 1, block.second.size(0)};
  return {f, {x, random_f32(y)}, block};
}

}  // namespace

TEST_CASE("both_gradients makes two in one pass", "[plan]") {
  on_each_isa([] {
    for (const Block& block :
         {pointwise(5, 7), pointwise(16, 24), pointwise(40, 3), depthwise(7, 1), depthwise(16, 1), depthwise(24, 2)}) {
      for (const Shape& shape : {Shape{1, 5, 3, 3}, {2, 4, 9, 3}, {3, 1, 7, 3}, {1, 13, 18, 3}}) {
        CAPTURE(block.second.shape().to_string(), shape.to_string());
        const Plan plan = check_trained(step_of(block, random_f32(shape)), 2e-5, alone);
        CHECK(applied(plan, rule) == 1);
        CHECK(count_of(plan.graph(), "conv2d_gradients") == 1);
        CHECK(count_of(plan.graph(), "conv2d_input_gradient") == 0);
        CHECK(count_of(plan.graph(), "conv2d_weight_gradient") == 1);  // the first's
      }
    }
    const Block block = pointwise(16, 24);
    CHECK(applied(check_trained(step_of(block, random_f32({2, 5, 3, 3}), false), 2e-5, alone), rule) == 1);
  });
}

TEST_CASE("both_gradients leaves alone what it must", "[plan]") {
  const Tensor x = random_f32({2, 7, 5, 3});
  const std::string kind = "it is no 1x1 or depthwise convolution of few weights";
  const auto refuses = [&](const std::string& reason, const Block& block) {
    CAPTURE(block.second.shape().to_string());
    check_step_refused(rule, reason, step_of(block, x), alone);
  };
  refuses(kind, {{8, 8, 3, 3}, {.padding = 1}});
  refuses(kind, {{8, 8, 1, 1}, {.stride = 2}});
  refuses(kind, {{8, 4, 1, 1}, {.groups = 2}});
  refuses(kind, {{16, 1, 3, 3}, {.padding = 1, .groups = 8}});
  refuses(kind, {{8, 1, 5, 5}, {.padding = 2, .groups = 8}});
  refuses(kind, pointwise(320, 320));  // too many weights

  const std::string no_norm = "its output's gradient is not a batch norm's alone";
  const Block block = pointwise(8, 16);
  const Tensors inputs = step_of(block, x).inputs;
  const auto without_norm = [&](const Tensors& in) { return Tensors{pulled(block.conv(block.before(in[0])), in[1])}; };
  check_step_refused(rule, no_norm, {without_norm, inputs, block}, alone);
  const auto read_twice = [&](const Tensors& in) {  // another convolution has the same gradient
    const Tensor t = block.before(in[0]);
    return Tensors{pulled(block.bn(add(block.conv(t), block.conv(tanh(t))), true), in[1])};
  };
  check_step_refused(rule, no_norm, {read_twice, inputs, block}, alone);
  Block with_bias = pointwise(8, 16);
  const Tensor bias = random_f32({16}).set_requires_grad(true);
  with_bias.parameters.push_back(bias);
  const auto biased = [&](const Tensors& in) {
    return Tensors{pulled(with_bias.bn(conv2d(with_bias.before(in[0]), with_bias.second, bias), false), in[1])};
  };
  check_step_refused(rule, no_norm, {biased, inputs, with_bias}, alone);
  const auto without_one_pass = step_of(block, x);
  check_step_refused(rule, no_norm, without_one_pass, only({"both_gradients"}));

  Learner learner;
  const Tensor w = learner.weight({16, 3, 1, 1});
  const Norm bn = learner.norm(16);
  const auto given = [&](const Tensors& in) { return Tensors{pulled(bn(conv2d(in[0], w), true), in[1])}; };
  check_step_refused(rule, "its input needs no gradient", {given, inputs, learner}, alone);

  const Tensor frozen = random_f32({16, 16, 1, 1});  // no weight gradient: no pattern
  const auto through = [&](const Tensors& in) {
    return Tensors{pulled(bn(conv2d(tanh(conv2d(in[0], w)), frozen), true), in[1])};
  };
  CHECK(applied(check_trained({through, inputs, learner}, 1e-4, alone), rule) == 0);

  Learner in_double;
  const Tensor w64 = scale(random_f64({5, 4, 1, 1}), 0.5).set_requires_grad(true);
  in_double.parameters.push_back(w64);
  const Norm bn64(5, DType::f64);
  const auto f64 = [&](const Tensors& in) { return Tensors{pulled(bn64(conv2d(in[0], w64), true), in[1])}; };
  check_step_refused(rule, "the kernel is float32's",
                     {f64, {random_f64({1, 3, 4, 4}), random_f64({1, 3, 4, 5})}, in_double}, alone);
}

TEST_CASE("both_gradients are one convolution's", "[plan]") {
  // dy is two convolutions' whose outputs are added; of one the weight learns, through the other goes a gradient.
  const std::int64_t c = 8;
  const Tensor x = random_f32({2, 7, 5, c});
  for (const auto& [learning, frozen] :
       {std::pair{pointwise(c, c), depthwise(c, 1)},
        {depthwise(c, 1), pointwise(c, c)},
        {depthwise(c, 1), Block({c, 1, 3, 3}, {.padding = 2, .dilation = 2, .groups = c})}}) {
    Learner learner;
    const Tensor w = learner.weight(learning.second.shape()), first = learner.weight({c, c, 1, 1});
    const Norm bn = learner.norm(c);
    const Tensor other = frozen.second.detach();
    CAPTURE(w.shape().to_string(), other.shape().to_string());
    const auto f = [&, learning = learning, frozen = frozen](const Tensors& in) {
      const Tensor h = add(conv2d(in[0], w, Tensor(), learning.options),
                           conv2d(silu(conv2d(in[0], first)), other, Tensor(), frozen.options));
      return Tensors{pulled(bn(h, true), in[1])};
    };
    check_step_refused(rule, "its input needs no gradient", {f, {x, random_f32(x.shape())}, learner}, alone);
  }
}
