#include "core/ops.h"
#include "tests/core/plan/plan_testing.h"

using namespace weft;
using namespace weft::test;

namespace {

const char* const rule = "normalise_on_read";
const PlanOptions with_rule = only({"batch_norm_in_one_pass", "normalise_on_read"});

/// A batch norm of a convolution's output, a clamp, and the convolution that reads it.
struct Block : Learner {
  Block(const Shape& filters, const Conv2dOptions& options_)
      : first(weight({filters[1] * options_.groups, 3, 1, 1})),
        second(weight(filters)),
        bn(norm(first.size(0))),
        options(options_) {}
  Tensor before(const Tensor& x) const { return bn(conv2d(x, first), true); }
  Tensor conv(const Tensor& y) const { return conv2d(y, second, Tensor(), options); }

  Tensor first, second;
  Norm bn;
  Conv2dOptions options;
};

Block winograd(std::int64_t in, std::int64_t out) { return {{out, in, 3, 3}, {.padding = 1}}; }
Block pointwise(std::int64_t in, std::int64_t out) { return {{out, in, 1, 1}, {}}; }
Block depthwise(std::int64_t channels, std::int64_t stride) {
  return {{channels, 1, 3, 3}, {.stride = stride, .padding = 1, .groups = channels}};
}

TrainingStep step_of(const Learner& learner, const Tensor& x, const ImageFunction& f) {
  const NoGrad no_grad;
  const Tensor y = left_by({{}, {}, learner}, [&] { return Tensors{f(x)}; })[0];
  return {[f](const Tensors& in) { return Tensors{pulled(f(in[0]), in[1])}; }, {x, random_f32(y.shape())}, learner};
}

}  // namespace

TEST_CASE("normalise_on_read makes what convolutions and their gradients read", "[plan]") {
  on_each_isa([] {
    for (const Block& block : {winograd(16, 16), winograd(19, 24), pointwise(16, 24), pointwise(5, 7), depthwise(16, 1),
                               depthwise(7, 1), depthwise(24, 2)}) {
      for (const Shape& shape : {Shape{1, 5, 3, 3}, {2, 8, 9, 3}, {3, 2, 7, 3}, {1, 13, 18, 3}}) {
        for (const auto& [lower, upper] : {std::pair{0.0, 6.0}, {0.25, INFINITY}, {-INFINITY, INFINITY}, {-0.5, 0.5}}) {
          CAPTURE(block.second.shape().to_string(), shape.to_string(), lower, upper);
          const auto f = [&, lower = lower, upper = upper](const Tensor& x) {
            return block.conv(clamp(block.before(x), lower, upper));
          };
          const Plan plan = check_trained(step_of(block, random_f32(shape), f), 2e-5, with_rule);
          CHECK(applied(plan, rule) == 2);
          CHECK(count_of(plan.graph(), "normalise") == 0);
          CHECK(count_of(plan.graph(), "conv2d_of_normalised") == 1);
        }
      }
    }
  });
}

TEST_CASE("normalise_on_read changes no bits with Winograd's algorithm", "[plan]") {
  for (const Shape& shape : {Shape{1, 5, 3, 3}, {2, 8, 9, 3}, {1, 13, 18, 3}}) {
    const Block block = winograd(16, 24);
    const auto f = [&](const Tensor& x) { return block.conv(relu6(block.before(x))); };
    check_same_bits(step_of(block, random_f32(shape), f), with_rule, only({"batch_norm_in_one_pass"}));
  }
}

TEST_CASE("normalise_on_read where the convolution's filters or the norm don't learn", "[plan]") {
  const Tensor x = random_f32({2, 7, 5, 3}), frozen = random_f32({16, 16, 3, 3});
  const Block block = winograd(16, 16);
  const auto through = [&](const Tensor& t) { return conv2d(relu(block.before(t)), frozen, Tensor(), {.padding = 1}); };
  CHECK(applied(check_trained(step_of(block, x, through), 2e-5, with_rule), rule) == 1);
  const Norm fixed(3, DType::f32);
  Learner learner;
  const auto given = [&](const Shape& filters, const Conv2dOptions& options) {  // nothing before it learns
    const Tensor w = learner.weight(filters);
    return [&fixed, w, options](const Tensor& t) { return conv2d(relu(fixed(t)), w, Tensor(), options); };
  };
  CHECK(applied(check_trained(step_of(learner, x, given({16, 3, 3, 3}, {.padding = 1})), 2e-5, with_rule), rule) == 0);
  Learner wide;
  const Norm fixed16(16, DType::f32);
  const Tensor w = wide.weight({16, 16, 3, 3});
  const auto f = [&](const Tensor& t) { return conv2d(relu(fixed16(t)), w, Tensor(), {.padding = 1}); };
  CHECK(applied(check_trained(step_of(wide, random_f32({2, 7, 5, 16}), f), 2e-5, with_rule), rule) == 2);
}

TEST_CASE("normalise_on_read leaves alone what it must", "[plan]") {
  const Tensor x = random_f32({2, 7, 5, 3});
  const auto refuses = [&](const std::string& reason, const Learner& learner, const ImageFunction& f) {
    return check_step_refused(rule, reason, step_of(learner, x, f), with_rule);
  };
  const Block block = winograd(16, 16), point = pointwise(16, 24);
  refuses("it adds a residual, which is stored for others", block,
          [&](const Tensor& t) { return block.conv(relu(add(block.before(t), conv2d(t, block.first)))); });
  const std::string alone = "no convolution reads it alone";
  const auto shown = [&](const Tensors& in) {
    const Tensor y = relu(block.before(in[0]));
    return Tensors{pulled(block.conv(y), in[1]), y};
  };
  check_step_refused(rule, alone, {shown, {x, random_f32({2, 7, 5, 16})}, block}, with_rule);
  const auto only_shown = [&](const Tensors& in) {
    return Tensors{pulled(conv2d(in[0], block.first), in[1]), relu(block.before(in[0]))};
  };
  check_step_refused(rule, alone, {only_shown, {x, random_f32({2, 7, 5, 16})}, block}, with_rule);

  refuses("it is read by tanh as well", block, [&](const Tensor& t) {
    const Tensor y = relu(block.before(t));
    return multiply(block.conv(y), tanh(y));
  });
  refuses("it is read by tanh as well", block, [&](const Tensor& t) { return tanh(relu(block.before(t))); });
  refuses("it is read by conv2d as well", block, [&](const Tensor& t) {
    const Tensor y = relu(block.before(t));
    return multiply(block.conv(y), tanh(block.conv(y)));
  });
  // Filters that come from an image of their own: what is normalised is the filters.
  Learner filters;
  const Norm of_filters = filters.norm(3);
  const Tensor raw = filters.weight({16, 3, 3, 3});
  refuses("it is read by conv2d as well", filters,
          [&](const Tensor& t) { return conv2d(t, of_filters(raw, true), Tensor(), {.padding = 1}); });

  Learner with_bias = block;
  const Tensor bias = with_bias.weight({16});
  refuses("the convolution that reads it has a bias", with_bias,
          [&](const Tensor& t) { return conv2d(relu(block.before(t)), block.second, bias, {.padding = 1}); });

  const std::string none = "the convolution that reads it has no kernel that normalises";
  for (const Block& other : {Block({8, 16, 5, 5}, {.padding = 2}), Block({8, 16, 3, 3}, {.padding = 2, .dilation = 2}),
                             Block({8, 4, 1, 1}, {.groups = 4}), Block({8, 16, 1, 1}, {.stride = 2})}) {
    CAPTURE(other.second.shape().to_string());
    refuses(none, other, [&](const Tensor& t) { return other.conv(relu(other.before(t))); });
  }
  const Tensor frozen = random_f32({24, 16, 1, 1});  // one of the two gradients is missing
  refuses(none, point, [&](const Tensor& t) { return conv2d(relu(point.before(t)), frozen); });
  Learner late;
  const Norm fixed(3, DType::f32);
  const Tensor w = late.weight({24, 3, 1, 1});
  refuses(none, late, [&](const Tensor& t) { return conv2d(relu(fixed(t)), w); });
  // float64 has no such steps at all.
  Learner in_double;
  const Norm bn64(4, DType::f64);
  const Tensor w64 = scale(random_f64({16, 4, 3, 3}), 0.2).set_requires_grad(true);
  in_double.parameters.push_back(w64);
  const auto f64 = [&](const Tensors& in) {
    return Tensors{pulled(conv2d(relu(bn64(in[0])), w64, Tensor(), {.padding = 1}), in[1])};
  };
  check_step_refused(rule, "", {f64, {random_f64({1, 5, 6, 4}), random_f64({1, 5, 6, 16})}, in_double}, with_rule);
}

TEST_CASE("normalise_on_read tells convolutions by the same filters apart", "[plan]") {
  // Added up they have one gradient; another dilation makes another input gradient of it.
  const Block block = depthwise(16, 1);
  Learner both = block;
  const Tensor other = both.weight({16, 3, 1, 1});
  for (const bool first : {false, true}) {
    const auto f = [&](const Tensor& t) {
      const Tensor u = block.conv(relu(block.before(t)));
      const Tensor v =
          conv2d(tanh(conv2d(t, other)), block.second, Tensor(), {.padding = 2, .dilation = 2, .groups = 16});
      return first ? add(u, v) : add(v, u);
    };
    CHECK(applied(check_trained(step_of(both, random_f32({2, 7, 5, 3}), f), 2e-5, with_rule), rule) == 2);
  }
}
