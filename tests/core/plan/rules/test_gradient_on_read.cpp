#include "core/ops.h"
#include "tests/core/plan/plan_testing.h"

using namespace weft;
using namespace weft::test;

namespace {

const char* const rule = "gradient_on_read";
const PlanOptions with_rule = only({"batch_norm_in_one_pass", "both_gradients", "sums_while_storing", rule});
const PlanOptions with_all = only(
    {"batch_norm_in_one_pass", "normalise_on_read", "both_gradients", "add_where_it_lies", "sums_while_storing", rule});

PlanOptions without_rule(PlanOptions options) {
  options.without.emplace_back(rule);
  return options;
}

/// A convolution with a norm behind it that learns, between others.
struct Block : Learner {
  explicit Block(const Shape& filters, const Conv2dOptions& options_ = {})
      : channels(filters[1] * options_.groups),
        first(weight({channels, 3, 1, 1})),
        second(weight(filters)),
        last(weight({5, filters[0], 3, 3})),
        before(norm(channels)),
        behind(norm(filters[0])),
        options(options_) {}
  Tensor conv(const Tensor& y) const { return conv2d(y, second, Tensor(), options); }
  Tensor finish(const Tensor& y) const { return conv2d(y, last, Tensor(), {.padding = 1}); }

  std::int64_t channels;
  Tensor first, second, last;
  Norm before, behind;
  Conv2dOptions options;
};

int makes_dy(const Plan& plan) {
  int count = 0;
  for (const Step& step : plan.graph().steps())
    count += step.operation.name == std::string("conv2d_gradients") && step.operation.has("makes_dy") ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("gradient_on_read makes the same numbers", "[plan]") {
  on_each_isa([] {
    for (const Block& block :
         {Block({24, 8, 1, 1}), Block({7, 5, 1, 1}), Block({16, 1, 3, 3}, {.padding = 1, .groups = 16}),
          Block({7, 1, 3, 3}, {.padding = 1, .groups = 7}),
          Block({16, 1, 3, 3}, {.stride = 2, .padding = 1, .groups = 16})}) {
      for (const Shape& shape : {Shape{1, 5, 3, 3}, {2, 9, 7, 3}, {1, 14, 18, 3}}) {
        CAPTURE(block.second.shape().to_string(), shape.to_string());
        const Tensor x = random_f32(shape);
        const auto check = [&](const PlanOptions& options, const ImageFunction& f) {
          const Plan plan = check_same_bits(step_of_mean(block, x, f), options, without_rule(options));
          CHECK(applied(plan, rule) == 1);
          CHECK(makes_dy(plan) == 1);
          return plan;
        };
        // Alone, with a clamp behind the norm, and with a stored x.
        check(with_rule, [&](const Tensor& t) { return block.behind(block.conv(tanh(conv2d(t, block.first))), true); });
        check(with_rule, [&](const Tensor& t) {
          return block.finish(relu6(block.behind(block.conv(tanh(conv2d(t, block.first))), true)));
        });
        // x normalised, and the sums of the norm before taken as well, with a clamp of its own.
        const Plan all = check(with_all, [&](const Tensor& t) {
          const Tensor y = clamp(block.before(conv2d(t, block.first), true), -0.25, 1);
          return block.finish(relu(block.behind(block.conv(y), true)));
        });
        CHECK(count_of(all.graph(), "normalise_sums") == 0);
      }
    }
  });
}

TEST_CASE("gradient_on_read adds to what is there", "[plan]") {
  const Block block({8, 8, 1, 1});
  const auto f = [&](const Tensor& t) {
    const Tensor y = relu(block.before(conv2d(t, block.first), true));
    return block.finish(add(block.behind(block.conv(y), true), y));
  };
  for (const Shape& shape : {Shape{1, 5, 3, 3}, {2, 9, 7, 3}}) {
    const Plan plan = check_same_bits(step_of_mean(block, random_f32(shape), f), with_all, without_rule(with_all));
    CHECK(applied(plan, rule) == 1);
    CHECK(count_of(plan.graph(), "normalise_sums") == 0);
    CHECK(count_of(plan.graph(), "add") == 0);
  }
}

TEST_CASE("gradient_on_read leaves alone what it must", "[plan]") {
  const Block block({16, 8, 1, 1});
  const Tensor x = random_f32({2, 5, 7, 3});
  const auto refuses = [&](const std::string& reason, const ImageFunction& f, const PlanOptions& options = with_all) {
    return check_step_refused(rule, reason, step_of_mean(block, x, f), options);
  };
  const auto normalised = [&](const Tensor& t) { return relu(block.before(conv2d(t, block.first), true)); };
  refuses("its output's gradient is no batch norm's",
          [&](const Tensor& t) { return block.finish(block.conv(normalised(t))); });
  refuses("its output's gradient is used elsewhere", [&](const Tensor& t) {
    const Tensor other = tanh(conv2d(conv2d(t, block.first), block.second));
    return block.behind(add(block.conv(normalised(t)), other), true);
  });
  // Behind the norm is a clamp, and no kernel that stores its gradient masks it.
  refuses("its output's gradient is still to be masked",
          [&](const Tensor& t) { return relu(block.behind(block.conv(normalised(t)), true)); });
  refuses(
      "its output's gradient is still to be masked",
      [&](const Tensor& t) { return block.finish(relu(block.behind(block.conv(normalised(t)), true))); },
      only({"batch_norm_in_one_pass", "both_gradients", rule}));
  refuses("the batch norm's statistics are constants",
          [&](const Tensor& t) { return block.finish(block.behind(block.conv(normalised(t)), false)); });
  // Where nothing makes both gradients there is no pattern.
  refuses(
      "", [&](const Tensor& t) { return block.finish(block.behind(block.conv(normalised(t)), true)); },
      only({"batch_norm_in_one_pass", rule}));
}
