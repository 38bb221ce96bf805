#include "core/kernels/isa.h"
#include "core/ops.h"
#include "tests/core/plan/plan_testing.h"

using namespace weft;
using namespace weft::test;

namespace {

const char* const rule = "joined_convolution";
const PlanOptions alone = only({"joined_convolution"}),
                  with_finish = only({"finish_in_convolution", "joined_convolution"});

Tensor joined(const Tensors& in, const Tensor& w, const Tensor& b = Tensor(),
              const Conv2dOptions& options = {.padding = 1}) {
  return conv2d(concat_channels({in[0], in[1]}), w, b, options);
}

}  // namespace

TEST_CASE("joined_convolution reads both images as they are", "[plan]") {
  const std::string isa = kernels::isa_name();
  for (const std::string& name : kernels::available_isas()) {
    kernels::select_isa(name);
    for (const auto& [first, second_channels, out_channels, padding] :
         {std::tuple{Shape{1, 12, 10, 16}, 16, 16, 1}, {Shape{2, 9, 7, 32}, 16, 16, 1}, {Shape{1, 13, 3, 64}, 24, 32, 1},
          {Shape{1, 1, 1, 8}, 8, 8, 1}, {Shape{1, 8, 12, 1}, 15, 16, 0}, {Shape{1, 8, 12, 19}, 1, 17, 2},
          {Shape{1, 17, 8, 256}, 128, 64, 1}}) {
      CAPTURE(name, first.to_string(), second_channels, out_channels, padding);
      const Conv2dOptions options{.padding = padding};
      const Tensors inputs{random_f32(first), random_f32({first[0], first[1], first[2], second_channels})};
      const Tensor w = random_f32({out_channels, first[3] + second_channels, 3, 3}), b = random_f32({out_channels});
      const auto plain = [&](const Tensors& in) { return Tensors{joined(in, w, Tensor(), options)}; };
      const Plan plan = check_planned({plain, inputs}, 2e-5, alone);
      CHECK(names_of(plan.graph()) == Names{"joined_conv2d"});
      CHECK(applied(plan, rule) == 1);
      const auto clamped = [&](const Tensors& in) { return Tensors{clamp(joined(in, w, b, options), 0.5, INFINITY)}; };
      CHECK(names_of(check_planned({clamped, inputs}, 2e-5, with_finish).graph()) == Names{"joined_conv2d"});
    }
  }
  kernels::select_isa(isa);
}

TEST_CASE("joined_convolution takes one image twice", "[plan]") {
  const Tensor w = random_f32({16, 32, 3, 3}), x = random_f32({1, 12, 10, 16});
  const auto f = [&](const Tensors& in) { return Tensors{joined({in[0], in[0]}, w)}; };
  CHECK(names_of(check_planned({f, {x}}, 2e-5, alone).graph()) == Names{"joined_conv2d"});
}

TEST_CASE("joined_convolution leaves alone what it must", "[plan]") {
  const Tensor w = random_f32({16, 24, 3, 3});
  const Tensors both{random_f32({1, 12, 10, 16}), random_f32({1, 12, 10, 8})};
  const auto of = [](auto&& f) { return [f](const Tensors& in) { return Tensors{f(in)}; }; };

  const std::string other = "another algorithm than Winograd's is faster for it";
  for (const Conv2dOptions& options : {Conv2dOptions{.stride = 2, .padding = 1}, {.padding = 2, .dilation = 2},
                                       {.padding = 1, .groups = 2}}) {
    const Tensor filters = random_f32({16, 24 / options.groups, 3, 3});
    check_refused(rule, other, {of([&](const Tensors& in) { return joined(in, filters, Tensor(), options); }), both},
                  alone);
  }
  const Tensor pointwise = random_f32({16, 24, 1, 1}), thin = random_f32({1, 24, 3, 3});
  check_refused(rule, other, {of([&](const Tensors& in) { return joined(in, pointwise, Tensor(), {}); }), both}, alone);
  check_refused(rule, other, {of([&](const Tensors& in) { return joined(in, thin); }), both}, alone);

  const auto with_residual = [&](const Tensors& in) { return Tensors{add(joined(in, w), in[2])}; };
  check_refused(rule, "it adds a residual", {with_residual, {both[0], both[1], random_f32({1, 12, 10, 16})}},
                with_finish);
  const auto joined_twice = [&](const Tensors& in) {
    const Tensor image = concat_channels({in[0], in[1]});
    return Tensors{conv2d(image, w, Tensor(), {.padding = 1}), image};
  };
  check_refused(rule, "the joined image is used elsewhere", {joined_twice, both}, alone);
}

TEST_CASE("joined_convolution sees no pattern where there is none", "[plan]") {
  const Tensor w = random_f32({16, 24, 3, 3}), w3 = random_f32({16, 32, 3, 3}), w64 = random_f64({16, 24, 3, 3});
  const Tensor a = random_f32({1, 12, 10, 16}), b = random_f32({1, 12, 10, 8});
  const auto none = [&](const GraphFunction& f, const Tensors& inputs) {
    const Plan plan = check_planned({f, inputs}, 0, alone);
    CHECK(applied(plan, rule) == 0);
    CHECK(plan.refusals().empty());
  };
  none(
      [&](const Tensors& in) {
        return Tensors{conv2d(concat_channels({in[0], in[1], in[1]}), w3, Tensor(), {.padding = 1})};
      },
      {a, b});
  none([&](const Tensors& in) { return Tensors{joined(in, w64)}; }, {a.to(DType::f64), b.to(DType::f64)});
  none([&](const Tensors& in) { return Tensors{conv2d(relu(concat_channels({in[0], in[1]})), w, Tensor(), {.padding = 1})}; },
       {a, b});
}

TEST_CASE("joined_convolution in a step that trains what comes before it", "[plan]") {
  // Frozen filters, through which a gradient goes to both images: nothing keeps the joined one. Learned ones read it.
  const Tensor w = random_f32({16, 24, 3, 3}), before = random_f32({16, 4, 1, 1}).set_requires_grad(true);
  const auto loss = [&](const Tensors& in) { return mean(tanh(joined({conv2d(in[0], before), in[1]}, w))); };
  const std::vector<Shape> shapes{{1, 12, 10, 4}, {1, 12, 10, 8}};
  const Plan plan = Plan::training(Plan::Function(loss), shapes, alone);
  CHECK(applied(plan, rule) == 1);
  const Tensors in{random_f32(shapes[0]), random_f32(shapes[1])};
  plan.run(in);
  const Tensor planned = before.grad().clone();
  before.zero_grad();
  loss(in).backward();
  CHECK(relative_difference(planned, before.grad()) < 1e-4);

  const Tensor learned = w.clone().set_requires_grad(true);
  const auto learned_loss = [&](const Tensors& in_) { return mean(tanh(joined({conv2d(in_[0], before), in_[1]}, learned))); };
  CHECK(applied(Plan::training(Plan::Function(learned_loss), shapes, alone), rule) == 0);
}
