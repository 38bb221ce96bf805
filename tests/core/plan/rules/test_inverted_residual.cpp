#include "core/kernels/isa.h"
#include "core/ops.h"
#include "tests/core/plan/plan_testing.h"

using namespace weft;
using namespace weft::test;

namespace {

const char* const rule = "inverted_residual";
const PlanOptions rules = only({"finish_in_convolution", "inverted_residual"});
constexpr double bound = 1e-5;  // the order of additions

/// MobileNetV2's block as it stands once batch norms are folded; members may be changed to what the rule must refuse.
struct Block {
  Tensor we, be, wd, bd, wp, bp;
  Conv2dOptions depthwise = {.padding = 1}, pointwise = {};
  std::function<Tensor(const Tensor&)> after_expand = relu6, after_depthwise = relu6, after_project = {};
  bool adds = false;

  Block(std::int64_t in, std::int64_t mid, std::int64_t out, std::int64_t stride = 1)
      : we(random_f32({mid, in, 1, 1})),
        be(random_f32({mid})),
        wd(random_f32({mid, 1, 3, 3})),
        bd(random_f32({mid})),
        wp(random_f32({out, mid, 1, 1})),
        bp(random_f32({out})) {
    depthwise.stride = stride;
    depthwise.groups = mid;
  }
  static Tensor followed(const Tensor& y, const std::function<Tensor(const Tensor&)>& by) { return by ? by(y) : y; }

  Tensor operator()(const Tensor& x) const {
    const Tensor e = we.defined() ? followed(conv2d(x, we, be), after_expand) : x;
    const Tensor d = followed(conv2d(e, wd, bd, depthwise), after_depthwise);
    const Tensor y = conv2d(d, wp, bp, pointwise);
    return followed(adds ? add(x, y) : y, after_project);
  }
};

}  // namespace

TEST_CASE("inverted_residual runs a block in one step, whatever its clamps and channels", "[plan]") {
  const std::string isa = kernels::isa_name();
  for (const std::string& name : kernels::available_isas()) {
    kernels::select_isa(name);
    for (const auto& [x, mid, out, stride] : {std::tuple{Shape{1, 9, 11, 16}, 96, 24, 2},
                                              {Shape{2, 12, 7, 24}, 144, 24, 1},
                                              {Shape{1, 7, 7, 8}, 48, 13, 1},
                                              {Shape{1, 1, 1, 16}, 32, 16, 1},
                                              {Shape{1, 5, 3, 3}, 5, 7, 2},
                                              {Shape{1, 6, 6, 1}, 1, 1, 1},
                                              {Shape{3, 33, 20, 5}, 17, 5, 1}}) {
      CAPTURE(name, x.to_string(), mid, out, stride);
      Block block(x[3], mid, out, stride);
      Plan plan = check_planned(block, random_f32(x), bound, rules);
      CHECK(names_of(plan.graph()) == Names{"inverted_residual"});
      CHECK(applied(plan, rule) == 1);
      block.adds = stride == 1 && out == x[3];
      block.after_expand = relu;  // as in a MobileNetV2 whose meaning was changed
      block.after_depthwise = [](const Tensor& t) { return clamp(t, -1, 2); };
      plan = check_planned(block, random_f32(x), bound, rules);
      CHECK(names_of(plan.graph()) == Names{"inverted_residual"});
      CHECK(plan.graph().steps().front().operation.attribute("shortcut") == (block.adds ? 1 : 0));
      block.after_expand = block.after_depthwise = nullptr;  // no clamp at all
      CHECK(names_of(check_planned(block, random_f32(x), bound, rules).graph()) == Names{"inverted_residual"});
      block = Block(x[3], x[3], out, stride);
      block.we = block.be = Tensor();  // MobileNetV2's first block does not expand
      block.adds = stride == 1 && out == x[3];
      CHECK(names_of(check_planned(block, random_f32(x), bound, rules).graph()) == Names{"inverted_residual"});
    }
  }
  kernels::select_isa(isa);
}

TEST_CASE("inverted_residual takes blocks in a row apart where one ends and the next begins", "[plan]") {
  Block first(16, 96, 24, 2), second(24, 144, 24), third(24, 144, 32);
  second.adds = true;
  const Plan plan = check_planned([&](const Tensor& x) { return third(second(first(x))); }, random_f32({1, 12, 10, 16}),
                                  3 * bound, rules);
  CHECK(names_of(plan.graph()) == Names{"inverted_residual", "inverted_residual", "inverted_residual"});
}

TEST_CASE("inverted_residual with an activation that no kernel knows", "[plan]") {
  Block block(8, 48, 8);
  const Tensor x = random_f32({1, 7, 9, 8});
  block.after_expand = [](const Tensor& t) { return leaky_relu(t, 0.1); };
  // The expansion stays outside; the rest is a block without one.
  CHECK(names_of(check_planned(block, x, bound, rules).graph()) == Names{"conv2d", "leaky_relu", "inverted_residual"});
  block.after_expand = relu6;
  block.after_depthwise = [](const Tensor& t) { return silu(t); };
  CHECK(count_of(check_planned(block, x, bound, rules).graph(), "inverted_residual") == 0);
}

TEST_CASE("inverted_residual leaves an expansion outside that is used elsewhere, or is none", "[plan]") {
  const Block block(8, 48, 8);
  const Tensor x = random_f32({1, 7, 9, 8});
  const auto shown = [&](const Tensors& in) {
    const Tensor e = relu6(conv2d(in[0], block.we, block.be));
    return Tensors{conv2d(relu6(conv2d(e, block.wd, block.bd, block.depthwise)), block.wp, block.bp), e};
  };
  CHECK(names_of(check_planned({shown, {x}}, bound, rules).graph()) == Names{"conv2d_fused", "inverted_residual"});
  Block wide = block;
  wide.we = random_f32({48, 8, 3, 3});
  const auto three_by_three = [&](const Tensor& in) {
    const Tensor e = relu6(conv2d(in, wide.we, wide.be, {.padding = 1}));
    return conv2d(relu6(conv2d(e, wide.wd, wide.bd, wide.depthwise)), wide.wp, wide.bp);
  };
  CHECK(names_of(check_planned(three_by_three, x, bound, rules).graph()) == Names{"conv2d_fused", "inverted_residual"});
  // An expansion that adds something is no expansion.
  const Tensor offset = random_f32({1, 7, 9, 48});
  const auto sum_expanded = [&](const Tensor& in) {
    const Tensor e = relu6(add(conv2d(in, block.we, block.be), offset));
    return conv2d(relu6(conv2d(e, block.wd, block.bd, block.depthwise)), block.wp, block.bp);
  };
  CHECK(names_of(check_planned(sum_expanded, x, bound, rules).graph()) == Names{"conv2d_fused", "inverted_residual"});
}

TEST_CASE("inverted_residual leaves alone what it must", "[plan]") {
  const Tensor x = random_f32({1, 8, 6, 8});
  const Block block(8, 48, 8);
  const auto refused = [&](const std::string& reason, auto&& change) {
    Block changed = block;
    change(changed);
    check_refused(rule, reason, changed, x, rules);
  };
  refused("the projection is clamped", [](Block& b) { b.after_project = relu6; });
  refused("a convolution of it has no bias", [](Block& b) { b.bp = Tensor(); });
  refused("a convolution of it has no bias", [](Block& b) { b.bd = Tensor(); });
  refused("a convolution of it has no bias", [](Block& b) { b.be = Tensor(); });
  const auto shown = [&](const Tensors& in) {
    const Tensor d = relu6(conv2d(relu6(conv2d(in[0], block.we, block.be)), block.wd, block.bd, block.depthwise));
    return Tensors{conv2d(d, block.wp, block.bp), d};
  };
  check_refused(rule, "the depthwise convolution's output is used elsewhere", {shown, {x}}, rules);
  const auto depthwise_adds = [&](const Tensor& in) {
    const Tensor e = relu6(conv2d(in, block.we, block.be));
    return conv2d(add(conv2d(e, block.wd, block.bd, block.depthwise), e), block.wp, block.bp);
  };
  check_refused(rule, "the depthwise convolution adds a residual", depthwise_adds, x, rules);
  const Tensor other = random_f32({1, 8, 6, 8});
  check_refused(
      rule, "what it adds is not its input", [&](const Tensor& in) { return add(block(in), other); }, x, rules);
  check_refused(
      rule, "what it adds is not its input", [&](const Tensor& in) { return add(block(relu(in)), in); }, x, rules);
  const auto given = [&](const Tensors& in) {
    Block b = block;
    b.wd = in[1];
    return Tensors{b(in[0])};
  };
  check_refused(rule, "its weights change from run to run", {given, {x, block.wd}}, rules);
}

TEST_CASE("inverted_residual sees no pattern where the depthwise convolution is of another kind", "[plan]") {
  const Tensor x = random_f32({1, 12, 11, 8});
  const auto none = [&](auto&& change) {
    Block block(8, 48, 8);
    change(block);
    const Plan plan = check_planned(block, x, bound, rules);
    CHECK(count_of(plan.graph(), "inverted_residual") == 0);
  };
  none([](Block& b) { b.depthwise.padding = 0; });
  none([](Block& b) { b.depthwise.stride = 3; });
  none([](Block& b) { b.depthwise.dilation = 2, b.depthwise.padding = 2; });
  none([](Block& b) { b.wd = random_f32({48, 1, 5, 5}), b.depthwise.padding = 2; });
  none([](Block& b) { b.wd = random_f32({48, 2, 3, 3}), b.depthwise.groups = 24; });
  none([](Block& b) { b.wp = random_f32({8, 24, 1, 1}), b.pointwise.groups = 2; });
  none([](Block& b) { b.pointwise.stride = 2; });
  none([](Block& b) { b.pointwise.padding = 1; });
  none([](Block& b) { b.wp = random_f32({8, 48, 3, 3}), b.pointwise.padding = 1; });
  none([](Block& b) {  // two filters a channel
    b.wd = random_f32({96, 1, 3, 3}), b.bd = random_f32({96}), b.wp = random_f32({8, 96, 1, 1});
  });
  Block twice(8, 48, 8);
  for (Tensor* t : {&twice.we, &twice.be, &twice.wd, &twice.bd, &twice.wp, &twice.bp}) *t = t->to(DType::f64);
  CHECK(count_of(check_planned(twice, x.to(DType::f64), 0, rules).graph(), "conv2d") == 3);
}
