#include "core/plan/recompute.h"

#include "core/allocator.h"
#include "core/autograd.h"
#include "core/random.h"
#include "tests/core/plan/plan_testing.h"

using namespace weft;
using namespace weft::test;

namespace {

/// Convolutions, norms and activations in a row, with a skip over all of them and dropout: what is computed again must
/// not draw again.
struct Deep {
  Tensor stem = weight(8, 3), head = weight(1, 8);
  Tensors filters;
  std::vector<Norm> norms;
  Tensor stream = Tensor::from<std::int64_t>({2}, std::vector<std::int64_t>{5, 0});

  Deep() {
    for (int i = 0; i < 6; ++i) {
      filters.push_back(weight(8, 8));
      norms.emplace_back(8);
      norms.back().gamma.set_requires_grad(true);
      norms.back().beta.set_requires_grad(true);
    }
  }
  static Tensor weight(std::int64_t out, std::int64_t in) {
    return scale(random_f32({out, in, 3, 3}), 0.3).detach().clone().set_requires_grad(true);
  }
  Tensor operator()(const Tensor& x) const {
    const Tensor first = conv2d(x, stem, Tensor(), {.padding = 1});
    Tensor y = first;
    for (std::size_t i = 0; i < filters.size(); ++i) {
      y = silu(norms[i](conv2d(y, filters[i], Tensor(), {.padding = 1}), true));
      if (i == 2) y = dropout(y, 0.25, true, stream);
    }
    return sum(multiply(conv2d(add(y, first), head, Tensor(), {.padding = 1}), scale(first, 0.1)));
  }
  Tensors parameters() const {
    Tensors all{stem, head};
    for (std::size_t i = 0; i < filters.size(); ++i) all.insert(all.end(), {filters[i], norms[i].gamma, norms[i].beta});
    return all;
  }
};

Plan plan_of(const Deep& network, const Shape& x, std::int64_t memory_bytes) {
  return Plan::training([&](const Tensors& in) { return network(in[0]); }, {x}, {.memory_bytes = memory_bytes});
}

}  // namespace

TEST_CASE("a step in less memory computes the same bits", "[plan]") {
  const Shape shape{2, 72, 64, 3};
  const Tensor x = random_f32(shape);
  const Deep network;
  const std::int64_t whole = plan_of(network, shape, 0).peak_bytes();
  struct Result {
    Tensor loss;
    Tensors gradients, buffers;
  };
  const auto run = [&](const Plan& plan) {
    network.stream.copy_from(Tensor::from<std::int64_t>({2}, std::vector<std::int64_t>{5, 0}));
    for (const Norm& norm : network.norms) norm.mean.fill(0), norm.var.fill(1);
    Result result{plan.run({x}), {}, {}};
    for (const Tensor& p : network.parameters()) result.gradients.push_back(p.grad().clone());
    for (const Norm& norm : network.norms)
      result.buffers.insert(result.buffers.end(), {norm.mean.clone(), norm.var.clone()});
    CHECK(network.stream.data<std::int64_t>()[1] == 1);  // drawn from once
    return result;
  };
  const Result expected = run(plan_of(network, shape, 0));
  for (const double part : {0.9, 0.8, 0.7}) {
    CAPTURE(part);
    const auto budget = static_cast<std::int64_t>(part * static_cast<double>(whole));
    const Plan plan = plan_of(network, shape, budget);
    CHECK(plan.peak_bytes() <= budget);
    CHECK(applied(plan, "recompute") > 0);
    const Result result = run(plan);
    CHECK(equal(result.loss, expected.loss));
    for (std::size_t i = 0; i < expected.gradients.size(); ++i)
      CHECK(equal(result.gradients[i], expected.gradients[i]));
    for (std::size_t i = 0; i < expected.buffers.size(); ++i) CHECK(equal(result.buffers[i], expected.buffers[i]));
  }
}

TEST_CASE("a step in less memory draws once from a stream that is given", "[plan]") {
  const Deep network;
  const Tensor x = random_f32({2, 40, 36, 3});
  // What dropout makes is kept for a convolution's weights, and what it reads for nothing.
  const auto loss_of_step = [&](const Tensors& in) {
    Tensor y = conv2d(in[0], network.stem, Tensor(), {.padding = 1});
    for (const Tensor& w : network.filters)
      y = conv2d(dropout(silu(y), 0.25, true, in[1]), w, Tensor(), {.padding = 1});
    return Tensors{mean(multiply(y, y))};
  };
  const auto plan_with = [&](std::int64_t bytes) {
    return Plan::training(loss_of_step, {type_of(x), {{2}, DType::i64}}, {.memory_bytes = bytes});
  };
  const auto loss_of = [&](const Plan& plan) {
    const Tensor stream = Tensor::from<std::int64_t>({2}, std::vector<std::int64_t>{5, 0});
    const Tensor loss = plan.run({x, stream});
    CHECK(stream.data<std::int64_t>()[1] == 6);  // once a dropout
    return std::pair(loss, network.stem.grad().clone());
  };
  const Plan whole = plan_with(0);
  const auto [loss, gradient] = loss_of(whole);
  // Down to the least that will do, where what dropout makes is computed again as well.
  std::set<std::string> again;
  for (int percent = 95; again.count("dropout") == 0; percent -= 5) {
    CAPTURE(percent);
    const Plan plan = plan_with(whole.peak_bytes() * percent / 100);
    for (const Step& step : plan.graph().steps()) {
      if (std::count(step.rules.begin(), step.rules.end(), "recompute") > 0) again.insert(step.operation.name);
    }
    const auto [less_loss, less_gradient] = loss_of(plan);
    CHECK(equal(less_loss, loss));
    CHECK(equal(less_gradient, gradient));
  }
}

TEST_CASE("a step takes the memory that its plan foretells", "[plan]") {
  const Shape shape{4, 96, 96, 3};
  const Deep network;
  for (const double part : {1.0, 0.7}) {
    CAPTURE(part);
    std::int64_t budget = plan_of(network, shape, 0).peak_bytes();
    budget = part == 1.0 ? 0 : static_cast<std::int64_t>(part * static_cast<double>(budget));
    const Plan plan = plan_of(network, shape, budget);
    const Tensor x = random_f32(shape);
    plan.run({x});
    for (const Tensor& p : network.parameters()) p.zero_grad();
    const auto before = static_cast<std::int64_t>(memory_use().live_bytes);
    reset_peak_memory();
    plan.run({x});
    // Parameters, the input and constants lived before; the loss is a number.
    const auto grown = static_cast<double>(static_cast<std::int64_t>(memory_use().peak_bytes) - before);
    CHECK(grown == Approx(static_cast<double>(plan.arena_bytes())).epsilon(0.02));
  }
}

TEST_CASE("a budget that can't be kept is refused with what could", "[plan]") {
  const Shape shape{2, 64, 64, 3};
  const Deep network;
  std::int64_t least = 0;
  try {
    plan_of(network, shape, 1000000);
    FAIL("a megabyte was enough");
  } catch (const Error& e) {
    const std::string text = e.what();
    INFO(text);
    const std::size_t at = text.find("needs ");
    REQUIRE(at != std::string::npos);
    least = std::stoll(text.substr(at + 6));
  }
  CHECK(least * 1024 * 1024 < plan_of(network, shape, 0).peak_bytes());
  CHECK_NOTHROW(plan_of(network, shape, (least + 1) * 1024 * 1024));
}
