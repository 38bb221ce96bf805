#include "core/kernels/isa.h"
#include "core/ops.h"
#include "tests/core/plan/plan_testing.h"

using namespace weft;
using namespace weft::test;

namespace {

const char* const rule = "upsample_convolution";
const PlanOptions alone = only({"upsample_convolution"}),
                  with_finish = only({"finish_in_convolution", "upsample_convolution"});

/// Upsampling, concatenation where there is a skip, and a 3x3 convolution.
Tensor decode(const Tensors& in, const Tensor& w, const Tensor& b = Tensor(),
              const Conv2dOptions& options = {.padding = 1}) {
  const Tensor up = upsample_nearest2x(in[0]);
  return conv2d(in.size() > 1 ? concat_channels({up, in[1]}) : up, w, b, options);
}

}  // namespace

TEST_CASE("upsample_convolution reads small images and skips as they are", "[plan]") {
  const std::string isa = kernels::isa_name();
  for (const std::string& name : kernels::available_isas()) {
    kernels::select_isa(name);
    for (const auto& [x, skip_channels, out_channels] : {std::tuple{Shape{1, 6, 5, 16}, 0, 16},
                                                         {Shape{2, 9, 7, 16}, 8, 16},
                                                         {Shape{1, 13, 3, 64}, 24, 32},
                                                         {Shape{1, 1, 1, 16}, 16, 16},
                                                         {Shape{1, 4, 6, 1}, 15, 16},
                                                         {Shape{1, 4, 6, 19}, 1, 17},
                                                         {Shape{3, 17, 8, 32}, 0, 8}}) {
      CAPTURE(name, x.to_string(), skip_channels, out_channels);
      Tensors inputs(skip_channels > 0 ? 2 : 1);
      inputs[0] = random_f32(x);
      if (skip_channels > 0) inputs[1] = random_f32({x[0], 2 * x[1], 2 * x[2], skip_channels});
      const Tensor w = random_f32({out_channels, x[3] + skip_channels, 3, 3}), b = random_f32({out_channels});
      const auto plain = [&](const Tensors& in) { return Tensors{decode(in, w)}; };
      const Plan plan = check_planned({plain, inputs}, 2e-5, alone);
      CHECK(names_of(plan.graph()) == Names{"upsample_conv2d"});
      CHECK(applied(plan, rule) == 1);
      const auto clamped = [&](const Tensors& in) { return Tensors{clamp(decode(in, w, b), 0.5, INFINITY)}; };
      CHECK(names_of(check_planned({clamped, inputs}, 2e-5, with_finish).graph()) == Names{"upsample_conv2d"});
    }
  }
  kernels::select_isa(isa);
}

TEST_CASE("upsample_convolution after upsample_convolution", "[plan]") {
  const Tensor w1 = random_f32({16, 16, 3, 3}), w2 = random_f32({16, 20, 3, 3});
  const auto f = [&](const Tensors& in) { return Tensors{relu(decode({relu(decode({in[0]}, w1)), in[1]}, w2))}; };
  const Plan plan = check_planned({f, {random_f32({1, 5, 4, 16}), random_f32({1, 20, 16, 4})}}, 4e-5, with_finish);
  CHECK(names_of(plan.graph()) == Names{"upsample_conv2d", "upsample_conv2d"});
}

TEST_CASE("upsample_convolution leaves alone what it must", "[plan]") {
  const Tensor x = random_f32({1, 6, 5, 16}), skip = random_f32({1, 12, 10, 8}), large = random_f32({1, 12, 10, 16});
  const Tensor w = random_f32({16, 24, 3, 3}), of_x = random_f32({16, 16, 3, 3});
  const auto of = [](auto&& f) { return [f](const Tensors& in) { return Tensors{f(in)}; }; };
  const Tensors both{x, skip};

  const std::string kind = "it is no 3x3 convolution with stride 1 and padding 1";
  for (const Conv2dOptions& options : no_decoders_options) {
    const Tensor filters = random_f32({16, 24 / options.groups, 3, 3});
    check_refused(rule, kind, {of([&](const Tensors& in) { return decode(in, filters, Tensor(), options); }), both},
                  alone);
  }
  const Tensor pointwise = random_f32({16, 24, 1, 1}), wide = random_f32({16, 24, 3, 5});
  check_refused(rule, kind, {of([&](const Tensors& in) { return decode(in, pointwise, Tensor(), {}); }), both}, alone);
  check_refused(rule, kind, {of([&](const Tensors& in) { return decode(in, wide); }), both}, alone);

  check_refused(rule, "it adds a residual",
                {of([&](const Tensors& in) { return add(decode({in[0]}, of_x), in[1]); }), {x, large}}, with_finish);
  const auto joined_twice = [&](const Tensors& in) {
    const Tensor joined = concat_channels({upsample_nearest2x(in[0]), in[1]});
    return Tensors{conv2d(joined, w, Tensor(), {.padding = 1}), joined};
  };
  check_refused(rule, "the joined image is used elsewhere", {joined_twice, both}, alone);
  const std::string used = "the upsampled image is used elsewhere";
  const auto upsampled_twice = [&](const Tensors& in) {
    const Tensor up = upsample_nearest2x(in[0]);
    return Tensors{conv2d(concat_channels({up, in[1]}), w, Tensor(), {.padding = 1}), up};
  };
  check_refused(rule, used, {upsampled_twice, both}, alone);
  const auto without_skip = [&](const Tensors& in) {
    const Tensor up = upsample_nearest2x(in[0]);
    return Tensors{add(relu(up), conv2d(up, of_x, Tensor(), {.padding = 1}))};
  };
  check_refused(rule, used, {without_skip, {x}}, alone);
  const Tensor doubled = random_f32({16, 32, 3, 3});
  const auto with_itself = [&](const Tensors& in) {
    const Tensor up = upsample_nearest2x(in[0]);
    return Tensors{conv2d(concat_channels({up, up}), doubled, Tensor(), {.padding = 1})};
  };
  check_refused(rule, used, {with_itself, {x}}, alone);

  const Tensor thin = random_f32({1, 24, 3, 3});  // a head: one channel out
  check_refused(rule, "another algorithm than Winograd's is faster for it",
                {of([&](const Tensors& in) { return decode(in, thin); }), both}, alone);
}

TEST_CASE("upsample_convolution sees no pattern where there is none", "[plan]") {
  const Tensor w = random_f32({16, 24, 3, 3}), w3 = random_f32({16, 32, 3, 3});
  const Tensor x = random_f32({1, 6, 5, 16}), skip = random_f32({1, 12, 10, 8});
  const auto none = [&](const GraphFunction& f, const Tensors& inputs) {
    const Plan plan = check_planned({f, inputs}, 0, alone);
    CHECK(applied(plan, rule) == 0);
    CHECK(plan.refusals().empty());
  };
  const auto convolved = [](const Tensor& in, const Tensor& filters) {
    return Tensors{conv2d(in, filters, Tensor(), {.padding = 1})};
  };
  none([&](const Tensors& in) { return convolved(concat_channels({in[1], upsample_nearest2x(in[0])}), w); }, {x, skip});
  none(
      [&](const Tensors& in) {
        return convolved(concat_channels({upsample_nearest2x(in[0]), in[1], in[1]}), w3);
      },
      {x, skip});
  none(
      [&](const Tensors& in) {
        return convolved(concat_channels({upsample_bilinear2x(in[0]), in[1]}), w);
      },
      {x, skip});
  none(
      [&](const Tensors& in) {
        return convolved(concat_channels({relu(upsample_nearest2x(in[0])), in[1]}), w);
      },
      {x, skip});
  const Tensor w64 = random_f64({16, 24, 3, 3});
  none(
      [&](const Tensors& in) {
        return convolved(concat_channels({upsample_nearest2x(in[0]), in[1]}), w64);
      },
      {x.to(DType::f64), skip.to(DType::f64)});
}

TEST_CASE("upsample_convolution in a step that trains what comes before it", "[plan]") {
  // Frozen decoder filters, through which a gradient goes to x: nothing keeps the joined image.
  const Tensor w = random_f32({16, 24, 3, 3}), before = random_f32({16, 4, 1, 1}).set_requires_grad(true);
  const auto loss = [&](const Tensors& in) { return mean(tanh(decode({conv2d(in[0], before), in[1]}, w))); };
  const Plan plan = Plan::training(Plan::Function(loss), {{1, 6, 5, 4}, {1, 12, 10, 8}}, alone);
  CHECK(applied(plan, rule) == 1);
  const Tensors in{random_f32({1, 6, 5, 4}), random_f32({1, 12, 10, 8})};
  plan.run(in);
  const Tensor planned = before.grad().clone();
  before.zero_grad();
  loss(in).backward();
  CHECK(relative_difference(planned, before.grad()) < 1e-4);
}
