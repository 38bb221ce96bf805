#include "core/ops.h"
#include "tests/core/plan/plan_testing.h"

using namespace weft;
using namespace weft::test;

namespace {
const char* const rule = "fold_batch_norm";
const PlanOptions alone = only({"fold_batch_norm"});
}  // namespace

TEST_CASE("fold_batch_norm folds into every kind of convolution", "[plan]") {
  struct Case {
    Shape x, w;
    Conv2dOptions options;
  };
  for (const Case& c : {Case{{1, 9, 7, 6}, {12, 6, 3, 3}, {.padding = 1}},
                        {{2, 9, 7, 6}, {12, 6, 3, 3}, {.stride = 2, .padding = 1}},
                        {{2, 5, 5, 6}, {12, 2, 3, 3}, {.padding = 1, .groups = 3}},
                        {{1, 8, 8, 6}, {6, 1, 3, 3}, {.padding = 1, .groups = 6}},
                        {{1, 8, 8, 6}, {4, 6, 1, 1}, {}},
                        {{1, 9, 9, 2}, {3, 2, 3, 3}, {.padding = 2, .dilation = 2}}}) {
    for (bool has_bias : {false, true}) {
      for (DType dtype : {DType::f32, DType::f64}) {
        for (double epsilon : {1e-5, 0.5}) {
          const Norm norm(c.w[0], dtype);
          const Tensor w = random_tensor(c.w, dtype), b = has_bias ? random_tensor({c.w[0]}, dtype) : Tensor();
          const auto f = [&](const Tensor& x) { return norm(conv2d(x, w, b, c.options), false, epsilon); };
          const Plan plan = check_planned(f, random_tensor(c.x, dtype), dtype == DType::f32 ? 1e-6 : 1e-14, alone);
          CHECK(names_of(plan.graph()) == Names{"conv2d"});
          CHECK(applied(plan, rule) == 1);
          CHECK(plan.constant_bytes() == (w.count() + c.w[0]) * dtype_bytes(dtype));
        }
      }
    }
  }
}

TEST_CASE("fold_batch_norm folds one after the other", "[plan]") {
  const Norm first(8), second(4);
  const Tensor w1 = random_f32({8, 3, 3, 3}), w2 = random_f32({4, 8, 1, 1});
  const auto f = [&](const Tensor& x) { return second(conv2d(first(conv2d(x, w1)), w2)); };
  const Plan plan = check_planned(f, random_f32({1, 6, 6, 3}), 1e-6, alone);
  CHECK(names_of(plan.graph()) == Names{"conv2d", "conv2d"});
}

TEST_CASE("fold_batch_norm in a step that trains other layers", "[plan]") {
  // A frozen encoder below, a head that learns.
  const Norm norm(8);
  const Tensor w = random_f32({8, 3, 3, 3}), head = random_f32({1, 8, 1, 1}).set_requires_grad(true);
  const auto loss = [&](const Tensors& in) {
    return bce_with_logits(conv2d(relu(norm(conv2d(in[0], w, Tensor(), {.padding = 1}))), head), in[1]);
  };
  const Plan plan = Plan::training(Plan::Function(loss), {{2, 6, 5, 3}, {2, 6, 5, 1}}, alone);
  CHECK(applied(plan, rule) == 1);
  const Tensor x = random_f32({2, 6, 5, 3}), t = sigmoid(random_f32({2, 6, 5, 1}));
  const Tensor planned = plan.run({x, t}), gradient = head.grad().clone();
  head.zero_grad();
  const Tensor expected = loss({x, t});
  expected.backward();
  CHECK(relative_difference(planned, expected) < 1e-6);
  CHECK(relative_difference(gradient, head.grad()) < 1e-6);
}

TEST_CASE("fold_batch_norm leaves alone what it must", "[plan]") {
  const Norm norm(4);
  const Tensor w = random_f32({4, 4, 3, 3}), x = random_f32({2, 6, 5, 4});
  const auto conv = [&](const Tensor& in) { return conv2d(in, w, Tensor(), {.padding = 1}); };
  const auto training = [&](const Tensor& in) {
    const Tensor mean = norm.mean.clone(), var = norm.var.clone();
    return batch_norm(conv(in), norm.gamma, norm.beta, mean, var, {.training = true});
  };
  check_refused(rule, "it normalises by the batch's own statistics", training, x, alone);
  check_refused(
      rule, "its input is no convolution's output", [&](const Tensor& in) { return norm(in); }, x, alone);
  check_refused(
      rule, "its input is no convolution's output", [&](const Tensor& in) { return norm(relu(conv(in))); }, x, alone);
  check_refused(
      rule, "its input is no convolution's output", [&](const Tensor& in) { return norm(conv_transpose2d(in, w)); }, x,
      alone);
  const std::string used = "the convolution's output is used elsewhere";
  const auto residual = [&](const Tensor& in) {
    const Tensor y = conv(in);
    return add(norm(y), y);
  };
  check_refused(rule, used, residual, x, alone);
  const auto two_results = [&](const Tensors& in) {
    const Tensor y = conv(in[0]);
    return Tensors{norm(y), y};
  };
  check_refused(rule, used, {two_results, {x}}, alone);
  const auto twice = [&](const Tensor& in) {
    const Tensor y = conv(in);
    return add(norm(y), norm(y));
  };
  check_refused(rule, used, twice, x, alone);
}

TEST_CASE("fold_batch_norm leaves a batch norm alone whose parameters learn", "[plan]") {
  const Norm norm(4);
  norm.gamma.set_requires_grad(true), norm.beta.set_requires_grad(true);
  const Tensor w = random_f32({4, 3, 3, 3});
  const auto loss = [&](const Tensors& in) { return mean(relu(norm(conv2d(in[0], w)))); };
  const Plan plan = Plan::training(Plan::Function(loss), {{1, 6, 5, 3}}, explained(alone));
  CHECK(refusals_of(plan, rule) == Names{"the convolution's output is used elsewhere"});
}

TEST_CASE("fold_batch_norm follows statistics that another layer moves", "[plan]") {
  // The same batch norm normalises by its running statistics, then by the batch's, which moves them: in each run what
  // it folds is what it finds.
  const Norm norm(4);
  const Tensor w = random_f32({4, 4, 1, 1});
  const auto f = [&](const Tensors& in) { return Tensors{norm(conv2d(in[0], w)), norm(in[0], true)}; };
  const Plan plan = Plan::inference(f, {floats({2, 4, 4, 4})});
  CHECK(applied(plan, rule) >= 1);
  const Tensor x = random_f32({2, 4, 4, 4});
  const Tensor mean = norm.mean.clone(), var = norm.var.clone();
  for (int run = 0; run < 3; ++run) {
    const Tensor got = plan.run({x}), moved = norm.mean.clone(), moved_var = norm.var.clone();
    norm.mean.copy_from(mean), norm.var.copy_from(var);
    CHECK(relative_difference(got, f({x})[0]) < 1e-6);
    CHECK(equal(norm.mean, moved));
    CHECK(equal(norm.var, moved_var));
    mean.copy_from(moved), var.copy_from(moved_var);
  }
}

TEST_CASE("fold_batch_norm follows statistics that another layer has moved in the same run", "[plan]") {
  const Norm norm(4);
  const Tensor w = random_f32({4, 4, 1, 1}), x = random_f32({2, 4, 4, 4});
  const auto f = [&](const Tensors& in) {
    // With a momentum of 1 the running statistics are the batch's from the first run on.
    const Tensor y = batch_norm(in[0], norm.gamma, norm.beta, norm.mean, norm.var, {.training = true, .momentum = 1});
    return Tensors{norm(conv2d(in[0], w)), y};
  };
  const Plan plan = check_planned({f, {x}}, 1e-6);
  CHECK(applied(plan, rule) >= 1);
  CHECK(refusals_of(plan, "pack_filters") == Names{"its weight changes from run to run"});
}
