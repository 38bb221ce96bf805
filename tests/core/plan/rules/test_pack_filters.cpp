#include "core/kernels/conv.h"
#include "core/kernels/isa.h"
#include "core/ops/conv2d.h"
#include "tests/core/plan/plan_testing.h"

using namespace weft;
using namespace weft::test;

namespace {
const char* const rule = "pack_filters";
const PlanOptions alone = only({"pack_filters"}), with_finish = only({"finish_in_convolution", "pack_filters"});
}  // namespace

TEST_CASE("pack_filters packs for every algorithm, with the same bits", "[plan]") {
  struct Case {
    Shape x, w;
    Conv2dOptions options;
  };
  const std::string isa = kernels::isa_name();
  for (const std::string& name : kernels::available_isas()) {
    kernels::select_isa(name);
    std::set<std::string> algorithms;
    for (const Case& c : {Case{{1, 33, 35, 3}, {16, 3, 3, 3}, {.stride = 2, .padding = 1}},
                          {{1, 33, 35, 3}, {16, 3, 7, 7}, {.stride = 2, .padding = 3}},
                          {{2, 20, 18, 16}, {16, 16, 3, 3}, {.padding = 1}},
                          {{1, 40, 40, 64}, {64, 64, 3, 3}, {.padding = 1}},
                          {{1, 20, 18, 16}, {16, 1, 3, 3}, {.padding = 1, .groups = 16}},
                          {{1, 20, 18, 16}, {24, 16, 1, 1}, {}},
                          {{1, 21, 19, 16}, {24, 16, 3, 3}, {.stride = 2, .padding = 1}},
                          {{1, 20, 18, 16}, {24, 4, 3, 3}, {.padding = 1, .groups = 4}},
                          {{1, 20, 18, 7}, {5, 7, 2, 5}, {.padding = 2}},
                          {{1, 20, 18, 7}, {5, 7, 3, 3}, {.stride = 3, .dilation = 2}}}) {
      CAPTURE(name, c.x.to_string(), c.w.to_string());
      algorithms.insert(kernels::choose_conv(conv_problem(c.x, c.w, c.options)).name);
      const Tensor w = random_f32(c.w), b = random_f32({c.w[0]});
      const auto f = [&](const Tensor& x) { return conv2d(x, w, b, c.options); };
      const Plan plan = check_planned(f, random_f32(c.x), 0, alone);
      CHECK(names_of(plan.graph()) == Names{"conv2d_packed"});
      CHECK(applied(plan, rule) == 1);
      const auto finished = [&](const Tensor& x) {
        const Tensor y = f(x);
        return clamp(add(scale(y, 0.5), conv2d(x, w, Tensor(), c.options)), -0.5, 2);
      };
      CHECK(count_of(check_planned(finished, random_f32(c.x), 0, with_finish).graph(), "conv2d_packed") == 2);
    }
    CHECK(algorithms.size() >= 4);
  }
  kernels::select_isa(isa);
}

TEST_CASE("pack_filters packs a weight once for all that read it", "[plan]") {
  const Tensor w = random_f32({16, 16, 3, 3});
  const auto one = [&](const Tensor& x) { return conv2d(x, w, Tensor(), {.padding = 1}); };
  const auto two = [&](const Tensor& x) { return one(relu(one(x))); };
  const Tensor x = random_f32({1, 12, 12, 16});
  CHECK(check_planned(two, x, 0, alone).constant_bytes() == check_planned(one, x, 0, alone).constant_bytes());
}

TEST_CASE("pack_filters leaves alone what it must", "[plan]") {
  const Tensor w64 = random_f64({4, 4, 3, 3}), x = random_f32({1, 6, 5, 4});
  check_refused(
      rule, "only float32's kernels pack their filters", [&](const Tensor& in) { return conv2d(in, w64); },
      random_f64({1, 6, 5, 4}), alone);
  const std::string changes = "its weight changes from run to run";
  const auto given = [](const Tensors& in) { return Tensors{conv2d(in[0], in[1])}; };
  check_refused(rule, changes, {given, {x, random_f32({4, 4, 3, 3})}}, alone);
  const auto computed = [](const Tensors& in) { return Tensors{conv2d(in[0], scale(in[1], 2))}; };
  check_refused(rule, changes, {computed, {x, random_f32({4, 4, 3, 3})}}, alone);

  const Tensor w = random_f32({4, 4, 3, 3}).set_requires_grad(true), frozen = random_f32({4, 4, 1, 1});
  const auto loss = [&](const Tensors& in) { return mean(conv2d(conv2d(in[0], frozen), w)); };
  const Plan plan = Plan::training(Plan::Function(loss), {x.shape()}, alone);
  CHECK(refusals_of(plan, rule) == Names{changes});
  CHECK(applied(plan, rule) == 1);  // the frozen one
}

TEST_CASE("pack_filters packs what is computed of parameters alone", "[plan]") {
  const Tensor w = random_f32({4, 4, 3, 3}), x = random_f32({1, 6, 5, 4});
  const auto f = [&](const Tensor& in) { return conv2d(in, subtract(w, mean(w, {1, 2, 3}, true))); };
  const Plan plan = check_planned(f, x, 0, alone);
  CHECK(names_of(plan.graph()) == Names{"conv2d_packed"});
  w.fill(0.5);
  w.mutable_data<float>()[3] = 2;
  CHECK(equal(plan.run({x}), f(x)));
}
