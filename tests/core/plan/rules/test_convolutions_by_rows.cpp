#include "core/kernels/isa.h"
#include "core/ops.h"
#include "core/parallel.h"
#include "tests/core/plan/plan_testing.h"

using namespace weft;
using namespace weft::test;

namespace {

const char* const rule = "convolutions_by_rows";
const PlanOptions rules =
    only({"finish_in_convolution", "upsample_convolution", "pack_filters", "convolutions_by_rows"});
const PlanOptions before = only({"finish_in_convolution", "upsample_convolution", "pack_filters"});

struct Convolution {
  Tensor w, b;
  Tensor operator()(const Tensor& x) const { return conv2d(x, w, b, {.padding = 1}); }
};
Convolution convolution(std::int64_t in, std::int64_t out, bool has_bias = true) {
  return {random_f32({out, in, 3, 3}), has_bias ? random_f32({out}) : Tensor()};
}

/// The plan with the rule has the bits of the one without it, for any number of threads.
Plan check_same_bits(const Network& network) {
  const NoGrad no_grad;
  const Plan plan = Plan::inference(network.f, types_of(network.inputs), rules),
             apart = Plan::inference(network.f, types_of(network.inputs), before);
  const int threads_before = num_threads();
  set_num_threads(1);
  const Tensors expected = apart.run_all(network.inputs);
  for (int threads : {1, 2, 3, 7}) {
    CAPTURE(threads);
    set_num_threads(threads);
    const Tensors got = plan.run_all(network.inputs);
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(equal(got[i], expected[i]));
  }
  set_num_threads(threads_before);
  return plan;
}

}  // namespace

TEST_CASE("convolutions_by_rows runs the end of a network in one step, with the same bits", "[plan]") {
  const std::string isa = kernels::isa_name();
  for (const std::string& name : kernels::available_isas()) {
    kernels::select_isa(name);
    for (bool has_bias : {false, true}) {
      const Convolution first = convolution(16, 24, has_bias), second = convolution(24, 16, has_bias),
                        head = convolution(16, 1, has_bias);
      for (const Shape& shape : {Shape{1, 48, 10, 16}, {2, 61, 33, 16}}) {
        CAPTURE(name, has_bias, shape.to_string());
        const Tensor x = random_f32(shape);
        const auto three = [&](const Tensors& in) { return Tensors{head(clamp(second(relu(first(in[0]))), -2, 3))}; };
        CHECK(names_of(check_same_bits({three, {x}}).graph()) == Names{"convolutions_by_rows"});
        const auto two = [&](const Tensors& in) { return Tensors{clamp(head(second(tanh(first(in[0])))), -1, 1)}; };
        CHECK(names_of(check_same_bits({two, {x}}).graph()) == Names{"conv2d_packed", "tanh", "convolutions_by_rows"});
        const auto upsampling = [&](const Tensors& in) {
          return Tensors{head(relu(second(relu(first(upsample_nearest2x(in[0]))))))};
        };
        CHECK(names_of(check_same_bits({upsampling, {x}}).graph()) == Names{"convolutions_by_rows"});
      }
    }
  }
  kernels::select_isa(isa);
}

TEST_CASE("convolutions_by_rows where threads share an image", "[plan]") {
  const Convolution first = convolution(8, 8), head = convolution(8, 2);
  const auto f = [&](const Tensors& in) { return Tensors{head(relu(first(in[0])))}; };
  CHECK(names_of(check_same_bits({f, {random_f32({1, 600, 9, 8})}}).graph()) == Names{"convolutions_by_rows"});
}

TEST_CASE("convolutions_by_rows signs for the rules whose steps it takes over", "[plan]") {
  const Convolution first = convolution(16, 16), head = convolution(16, 1);
  const auto f = [&](const Tensors& in) { return Tensors{head(relu(first(upsample_nearest2x(in[0]))))}; };
  const Plan plan = check_same_bits({f, {random_f32({1, 24, 9, 16})}});
  for (const char* name : {"finish_in_convolution", "upsample_convolution", "pack_filters", rule})
    CHECK(applied(plan, name) == 1);
}

TEST_CASE("convolutions_by_rows takes each result's end", "[plan]") {
  const Convolution first = convolution(16, 16), second = convolution(16, 16), mask = convolution(16, 1),
                    edge = convolution(16, 1);
  const auto f = [&](const Tensors& in) { return Tensors{mask(relu(first(in[0]))), edge(relu(second(in[0]))), in[0]}; };
  CHECK(names_of(check_same_bits({f, {random_f32({1, 50, 9, 16})}}).graph()) ==
        Names{"convolutions_by_rows", "convolutions_by_rows"});
}

TEST_CASE("convolutions_by_rows leaves alone what it must", "[plan]") {
  const Convolution first = convolution(16, 16), head = convolution(16, 1);
  const Tensor x = random_f32({1, 50, 9, 16});
  const std::string reason = "no convolution before it whose rows it could take over";
  check_refused(rule, reason, head, x, rules);
  const auto small = [&](const Tensor& in) { return head(relu(first(in))); };
  check_refused(rule, reason, small, random_f32({1, 47, 9, 16}), rules);  // too few rows
  check_refused(
      rule, reason, [&](const Tensor& in) { return head(leaky_relu(first(in))); }, x, rules);
  const auto shown = [&](const Tensors& in) {
    const Tensor y = relu(first(in[0]));
    return Tensors{head(y), y};
  };
  check_refused(rule, reason, {shown, {x}}, rules);
  const auto residual = [&](const Tensor& in) { return head(relu(add(first(in), in))); };
  check_refused(rule, reason, residual, x, rules);
  const auto adds_at_the_end = [&](const Tensor& in) { return add(head(relu(first(in))), head(in)); };
  CHECK(applied(check_planned(adds_at_the_end, x, 2e-5, rules), rule) == 0);
  const auto strided = [&](const Tensor& in) {
    return head(conv2d(in, first.w, first.b, {.stride = 2, .padding = 1}));
  };
  check_refused(rule, reason, strided, random_f32({1, 100, 9, 16}), rules);
  const auto pointwise_head = [&, w = random_f32({1, 16, 1, 1})](const Tensor& in) {
    return conv2d(relu(first(in)), w);
  };
  CHECK(applied(check_planned(pointwise_head, x, 2e-5, rules), rule) == 0);
  const auto with_skip = [&, w = random_f32({16, 32, 3, 3})](const Tensors& in) {
    const Tensor joined = concat_channels({upsample_nearest2x(in[0]), in[1]});
    return Tensors{head(relu(conv2d(joined, w, Tensor(), {.padding = 1})))};
  };
  check_refused(rule, reason, {with_skip, {random_f32({1, 25, 9, 16}), random_f32({1, 50, 18, 16})}}, rules);
}
