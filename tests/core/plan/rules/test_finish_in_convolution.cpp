#include "core/kernels/isa.h"
#include "core/ops.h"
#include "tests/core/plan/plan_testing.h"

using namespace weft;
using namespace weft::test;

namespace {

const char* const rule = "finish_in_convolution";
const PlanOptions alone = only({"finish_in_convolution"});

/// A convolution of each algorithm, all of which keep the picture's size.
struct Layer {
  Tensor w, b;
  Conv2dOptions options;
  Tensor operator()(const Tensor& x) const { return conv2d(x, w, b, options); }
};
Layer layer(const Shape& w, bool has_bias, const Conv2dOptions& options) {
  return {random_f32(w), has_bias ? random_f32({w[0]}) : Tensor(), options};
}

}  // namespace

TEST_CASE("finish_in_convolution adds and clamps", "[plan]") {
  const std::string isa = kernels::isa_name();
  for (const std::string& name : kernels::available_isas()) {
    kernels::select_isa(name);
    for (bool has_bias : {false, true}) {
      for (const Layer& conv :
           {layer({16, 16, 3, 3}, has_bias, {.padding = 1}),
            layer({16, 1, 3, 3}, has_bias, {.padding = 1, .groups = 16}), layer({16, 16, 1, 1}, has_bias, {}),
            layer({16, 4, 3, 3}, has_bias, {.padding = 1, .groups = 4}),
            layer({16, 16, 5, 5}, has_bias, {.padding = 2}),
            layer({16, 16, 3, 3}, has_bias, {.padding = 2, .dilation = 2})}) {
        CAPTURE(name, has_bias, conv.w.shape().to_string());
        const Tensor x = random_f32({2, 13, 18, 16});
        const auto relu6_after = [&](const Tensor& in) { return relu6(conv(in)); };
        CHECK(names_of(check_planned(relu6_after, x, 0, alone).graph()) == Names{"conv2d_fused"});
        // The same bits, but for one rounding where there are a bias and a residual.
        const double bound = has_bias ? 1e-6 : 0;
        const auto residual = [&](const Tensor& in) { return add(conv(in), in); };
        CHECK(names_of(check_planned(residual, x, bound, alone).graph()) == Names{"conv2d_fused"});
        const auto both = [&](const Tensor& in) { return clamp(add(tanh(in), conv(in)), -0.25, INFINITY); };
        CHECK(names_of(check_planned(both, x, bound, alone).graph()) == Names{"tanh", "conv2d_fused"});
      }
    }
  }
  kernels::select_isa(isa);
}

TEST_CASE("finish_in_convolution keeps any bounds, and NaN", "[plan]") {
  const Layer conv = layer({8, 8, 3, 3}, true, {.padding = 1});
  const Tensor x = random_f32({1, 20, 20, 8});
  x.mutable_data<float>()[100] = NAN;
  for (const auto& [lower, upper] :
       {std::pair{0.0, INFINITY}, {-INFINITY, 0.1}, {-0.3, 0.3}, {2.0, 2.0}, {-INFINITY, INFINITY}}) {
    const auto f = [&, lower = lower, upper = upper](const Tensor& in) { return clamp(conv(in), lower, upper); };
    const NoGrad no_grad;
    const Plan plan = Plan::inference([&](const Tensors& in) { return f(in[0]); }, {x.shape()}, alone);
    CHECK(applied(plan, rule) == 1);
    const Tensor got = plan.run({x}), expected = f(x);
    for (std::int64_t i = 0; i < got.count(); ++i) {
      const float a = got.data<float>()[i], b = expected.data<float>()[i];
      if (!(a == b || (std::isnan(a) && std::isnan(b)))) FAIL("element " << i << ": planned " << a << ", eager " << b);
    }
  }
}

TEST_CASE("finish_in_convolution joins what it can of a longer chain", "[plan]") {
  const Layer first = layer({8, 8, 3, 3}, false, {.padding = 1}), second = layer({8, 8, 1, 1}, true, {});
  const Tensor x = random_f32({1, 9, 9, 8});
  const auto block = [&](const Tensor& in) { return relu(add(second(relu(first(in))), in)); };
  CHECK(names_of(check_planned(block, x, 1e-6, alone).graph()) == Names{"conv2d_fused", "conv2d_fused"});
  const auto sum_of_two = [&](const Tensor& in) { return relu(add(first(in), second(in))); };
  CHECK(names_of(check_planned(sum_of_two, x, 1e-6, alone).graph()) == Names{"conv2d", "conv2d_fused"});
  const auto clamped_first = [&](const Tensor& in) { return add(relu(first(in)), in); };
  CHECK(names_of(check_planned(clamped_first, x, 0, alone).graph()) == Names{"conv2d_fused", "add"});
  const auto two_clamps = [&](const Tensor& in) { return relu6(clamp(first(in), -1, 9)); };
  CHECK(names_of(check_planned(two_clamps, x, 0, alone).graph()) == Names{"conv2d_fused", "clamp"});
  const auto sum_shown = [&](const Tensors& in) {  // the sum is a result: the clamp stays
    const Tensor y = add(first(in[0]), in[0]);
    return Tensors{relu(y), y};
  };
  CHECK(names_of(check_planned({sum_shown, {x}}, 0, alone).graph()) == Names{"conv2d_fused", "clamp"});
}

TEST_CASE("finish_in_convolution leaves alone what it must", "[plan]") {
  const Layer conv = layer({4, 4, 3, 3}, true, {.padding = 1});
  const Tensor x = random_f32({1, 6, 5, 4});
  const std::string used = "its output is used more than once, or is a result";
  check_refused(rule, used, conv, x, alone);
  const auto two_uses = [&](const Tensor& in) {
    const Tensor y = conv(in);
    return multiply(relu(y), y);
  };
  check_refused(rule, used, two_uses, x, alone);
  const auto doubled = [&](const Tensor& in) {
    const Tensor y = conv(in);
    return add(y, y);
  };
  check_refused(rule, used, doubled, x, alone);
  const auto clamped_result = [&](const Tensors& in) {
    const Tensor y = conv(in[0]);
    return Tensors{relu(y), y};
  };
  check_refused(rule, used, {clamped_result, {x}}, alone);

  check_refused(
      rule, "what follows is leaky_relu: no kernel ends so",
      [&](const Tensor& in) { return leaky_relu(conv(in), 0.1); }, x, alone);
  // A sum that broadcasts is no residual, on either side.
  const Tensor row = random_f32({4}), images = random_f32({3, 6, 5, 4});
  check_refused(
      rule, "what follows is add: no kernel ends so", [&](const Tensor& in) { return add(conv(in), row); }, x, alone);
  check_refused(
      rule, "what follows is add: no kernel ends so", [&](const Tensor& in) { return add(images, conv(in)); }, x,
      alone);
  const Tensor w64 = random_f64({4, 4, 3, 3});
  check_refused(
      rule, "the kernels that clamp are float32's", [&](const Tensor& in) { return relu(conv2d(in, w64)); },
      random_f64({1, 6, 5, 4}), alone);
}
