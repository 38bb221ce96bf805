#include "core/ops.h"
#include "tests/core/plan/plan_testing.h"

using namespace weft;
using namespace weft::test;

namespace {

const char* const rule = "sums_while_storing";
const PlanOptions with_rule = only({"batch_norm_in_one_pass", "sums_while_storing"});

/// A convolution, a norm of its output, and a convolution behind it, whose input gradient is the norm's.
struct Block : Learner {
  explicit Block(const Shape& filters, const Conv2dOptions& options_ = {.padding = 1})
      : channels(filters[1] * options_.groups),
        first(weight({channels, 3, 1, 1})),
        second(weight(filters)),
        bn(norm(channels)),
        options(options_) {}
  Tensor before(const Tensor& x) const { return bn(conv2d(x, first), trains); }
  Tensor conv(const Tensor& y) const { return conv2d(y, second, Tensor(), options); }
  Tensor residual(const Tensor& x) const { return tanh(conv2d(x, first)); }

  std::int64_t channels;
  Tensor first, second;
  Norm bn;
  Conv2dOptions options;
  bool trains = true;
};

}  // namespace

TEST_CASE("sums_while_storing with each of the convolutions", "[plan]") {
  on_each_isa([] {
    for (const Block& block :
         {Block({16, 8, 3, 3}), Block({7, 19, 3, 3}), Block({8, 1, 3, 3}, {.padding = 1, .groups = 8}),
          Block({8, 1, 3, 3}, {.stride = 2, .padding = 1, .groups = 8}), Block({24, 8, 1, 1}, {}),
          Block({5, 7, 1, 1}, {}), Block({16, 8, 3, 3}, {.stride = 2, .padding = 1}),
          Block({6, 8, 5, 5}, {.padding = 2}), Block({8, 4, 3, 3}, {.padding = 1, .groups = 2})}) {
      for (const Shape& shape : {Shape{1, 5, 3, 3}, {2, 9, 7, 3}, {3, 13, 18, 3}}) {
        CAPTURE(block.second.shape().to_string(), shape.to_string());
        const Tensor x = random_f32(shape);
        const auto check = [&](const ImageFunction& f) {
          const Plan plan = check_trained(step_of_mean(block, x, f), 2e-5, with_rule);
          CHECK(applied(plan, rule) > 0);
          CHECK(count_of(plan.graph(), "normalise_sums") == 0);
          CHECK(count_of(plan.graph(), "conv2d_input_gradient_storing") == 1);
        };
        check([&](const Tensor& t) { return block.conv(block.before(t)); });
        check([&](const Tensor& t) { return block.conv(clamp(block.before(t), -0.5, 1)); });
        check([&](const Tensor& t) { return block.conv(add(block.before(t), block.residual(t))); });
        check([&](const Tensor& t) { return block.conv(relu(add(block.residual(t), block.before(t)))); });
      }
    }
  });
}

TEST_CASE("sums_while_storing where norms are constants, and nothing before them learns", "[plan]") {
  Block block({16, 8, 3, 3});
  const Tensor x = random_f32({2, 5, 7, 3});
  for (const bool trains : {true, false}) {
    block.trains = trains;
    for (const bool learns : {true, false}) {
      CAPTURE(trains, learns);
      for (const double upper : {1.0, static_cast<double>(INFINITY)}) {
        const auto f = [&](const Tensor& t) {
          const Tensor h = conv2d(t, block.first);
          return block.conv(clamp(block.bn(learns ? h : h.detach(), trains), -upper, upper));
        };
        CHECK(applied(check_trained(step_of_mean(block, x, f), 2e-5, with_rule), rule) > 0);
      }
    }
  }
}

TEST_CASE("sums_while_storing of sums of gradients, of pooling, and of both gradients", "[plan]") {
  on_each_isa([] {
    const Block block({8, 8, 3, 3});
    for (const Shape& shape : {Shape{1, 5, 3, 3}, {2, 9, 7, 3}, {1, 14, 10, 3}}) {
      CAPTURE(shape.to_string());
      const Tensor x = random_f32(shape);
      const PlanOptions added = only({"batch_norm_in_one_pass", "add_where_it_lies", rule});
      for (const bool has_residual : {false, true}) {
        const auto body = [&](const Tensor& t) {
          return has_residual ? relu(add(block.before(t), block.residual(t))) : relu(block.before(t));
        };
        const auto f = [&](const Tensor& t) {
          const Tensor y = body(t);
          return add(block.conv(y), y);
        };
        const Plan plan = check_trained(step_of_mean(block, x, f), 2e-5, added);
        CHECK(applied(plan, rule) > 0);
        CHECK(count_of(plan.graph(), "normalise_sums") == 0);
        const auto pooled = [&](const Tensor& t) {
          return max_pool2d(body(t), {.kernel = 3, .stride = 2, .padding = 1});
        };
        const Plan pool = check_trained(step_of_mean(block, x, pooled), 2e-5, with_rule);
        CHECK(count_of(pool.graph(), "max_pool2d_gradient_storing") == 1);
        CHECK(count_of(pool.graph(), "normalise_sums") == 0);
      }
      for (const auto& [filters, options] : {std::pair{Shape{12, 8, 1, 1}, Conv2dOptions{}},
                                             {Shape{8, 1, 3, 3}, Conv2dOptions{.padding = 1, .groups = 8}}}) {
        Block two(filters, options);
        const Norm last = two.norm(filters[0]);
        const auto both = [&](const Tensor& t) { return last(two.conv(relu6(two.before(t))), true); };
        for (const bool on_read : {false, true}) {
          PlanOptions rules = only({"batch_norm_in_one_pass", "normalise_on_read", "both_gradients", rule});
          if (!on_read) rules.without.emplace_back("normalise_on_read");
          const Plan plan = check_trained(step_of_mean(two, x, both), 5e-5, rules);
          CHECK(applied(plan, rule) > 0);
          CHECK(count_of(plan.graph(), "normalise_sums") == 1);  // the last's
        }
      }
    }
  });
}

TEST_CASE("sums_while_storing from a decoder's kernels", "[plan]") {
  Learner learner;
  const Tensor a = learner.weight({16, 3, 1, 1}), b = learner.weight({8, 3, 1, 1}), w = learner.weight({16, 24, 3, 3});
  const Norm of_a = learner.norm(16), of_b = learner.norm(8);
  const auto f = [&](const Tensors& in) {
    const Tensor small = relu(of_a(conv2d(in[0], a), true)), skip = relu(of_b(conv2d(in[1], b), true));
    return Tensors{mean(tanh(conv2d(concat_channels({upsample_nearest2x(small), skip}), w, Tensor(), {.padding = 1})))};
  };
  const Plan plan = check_trained({f, {random_f32({2, 5, 3, 3}), random_f32({2, 10, 6, 3})}, learner}, 5e-5,
                                  only({"upsample_convolution_training", "batch_norm_in_one_pass", rule}));
  CHECK(count_of(plan.graph(), "normalise_sums") == 0);
}

TEST_CASE("sums_while_storing leaves alone what it must", "[plan]") {
  Block block({16, 8, 3, 3});
  const Tensor x = random_f32({2, 5, 7, 3});
  const auto refuses = [&](const std::string& reason, const Learner& learner, const ImageFunction& f) {
    return check_step_refused(rule, reason, step_of_mean(learner, x, f), with_rule);
  };
  refuses("no kernel takes them of what tanh_gradient makes", block,
          [&](const Tensor& t) { return relu(block.before(t)); });
  const Tensor w = block.weight({8, 6, 2, 2});
  refuses("no kernel takes them of what conv2d makes", block,
          [&](const Tensor& t) { return conv_transpose2d(relu(block.before(t)), w, Tensor(), {.stride = 2}); });
  // The loss is the norm's output itself, and its gradient 1.
  Learner single;
  const Norm one = single.norm(1);
  const Tensor scalar = single.weight({1, 3, 1, 1});
  const auto itself = [&](const Tensors& in) { return Tensors{one(conv2d(in[0], scalar))}; };
  check_step_refused(rule, "its output's gradient is given", {itself, {random_f32({1, 1, 1, 3})}, single}, with_rule);

  const std::string unmasked = "the gradient is needed unmasked";
  refuses(unmasked, block, [&](const Tensor& t) { return block.conv(add(relu(block.before(t)), block.residual(t))); });
  refuses(unmasked, block, [&](const Tensor& t) {
    return block.conv(add(block.residual(t), relu(add(block.before(t), tanh(block.residual(t))))));
  });
  refuses(unmasked, block,
          [&](const Tensor& t) {  // bounds that hold nothing back: the masked one is stored all the same
            return block.conv(
                add(block.residual(t), clamp(add(block.before(t), tanh(block.residual(t))), -INFINITY, INFINITY)));
          });
  Learner two = block;
  const Norm other = two.norm(8);
  const auto both = [&](const Tensor& t) {
    return block.conv(add(block.before(t), other(tanh(conv2d(t, block.first)), true)));
  };
  const Plan plan = check_trained(step_of_mean(two, x, both), 2e-5, with_rule);
  CHECK(applied(plan, rule) > 0);
  CHECK(refusals_of(plan, rule) == Names{"the kernel takes other sums already"});
  CHECK(count_of(plan.graph(), "normalise_sums") == 1);
}

TEST_CASE("sums_while_storing shares unmasked gradients with others", "[plan]") {
  const Block block({16, 8, 3, 3});
  const auto f = [&](const Tensor& t) { return block.conv(add(block.before(t), block.residual(t))); };
  const auto deeper = [&](const Tensor& t) {
    return block.conv(add(tanh(block.residual(t)), add(block.before(t), block.residual(t))));
  };
  for (const ImageFunction& shared : {ImageFunction(f), ImageFunction(deeper)})
    CHECK(applied(check_trained(step_of_mean(block, random_f32({2, 5, 7, 3}), shared), 2e-5, with_rule), rule) > 0);
}
