// The examples of docs/plan.md, line for line, and the answers to its exercises.

#include "tests/core/plan/plan_testing.h"
#include "tests/docs_blocks.h"

using namespace weft;
using namespace weft::test;

// clang-format off

TEST_CASE("docs/plan.md: from a line to what runs", "[docs]") {
  const PlanEnvironment no_environment(nullptr);
  const Tensor x = random_f32({1, 64, 64, 16}), w = random_f32({16, 16, 3, 3});
  const Tensor gamma = random_f32({16}), beta = random_f32({16}), mean = random_f32({16}), var = abs(random_f32({16}));

  const auto layer = [&](const Tensors& in) {
    const Tensor h = conv2d(in[0], w, Tensor(), {.padding = 1});
    return relu(batch_norm(h, gamma, beta, mean, var, {.training = false}));
  };
  const Tensor y = layer({x});

  const auto graph = capture([&](const Tensors& in) { return Tensors{layer(in)}; }, {type_of(x)});
  std::string names;
  for (const Step& step : graph->steps()) names += std::string(step.operation.name) + " ";
  CHECK(names == "conv2d batch_norm clamp ");

  // As the chapter prints it.
  const auto lines = trimmed_lines("docs/plan.md");
  std::istringstream printed(graph->to_string());
  for (std::string line; std::getline(printed, line);) {
    INFO(line);
    CHECK(std::find(lines.begin(), lines.end(), line) != lines.end());
  }

  const Plan plan = Plan::inference(layer, {x.shape()});
  CHECK(plan.graph().steps().size() == 1);
  CHECK(plan.graph().steps().front().rules == std::vector<std::string>{"fold_batch_norm", "finish_in_convolution", "pack_filters"});
  CHECK(relative_difference(plan.run({x}), y) < 5e-5);

  w.fill(0.5);
  CHECK(relative_difference(plan.run({x}), layer({x})) < 5e-5);
}

TEST_CASE("docs/plan.md: refusals", "[docs]") {
  const PlanEnvironment no_environment(nullptr);
  const Tensor x = random_f32({1, 64, 64, 16}), w = random_f32({16, 16, 3, 3});
  const auto leaky = [&](const Tensors& in) { return leaky_relu(conv2d(in[0], w, Tensor(), {.padding = 1})); };
  const Plan refused = Plan::inference(leaky, {x.shape()}, {.explains = true});
  CHECK(refused.refusals()[0].rule == "finish_in_convolution");
  CHECK(refused.refusals()[0].reason == "what follows is leaky_relu: no kernel ends so");
}

TEST_CASE("docs/plan.md: memory", "[docs]") {
  const Tensor x = random_f32({1, 64, 64, 16}), w = random_f32({16, 16, 3, 3}).set_requires_grad(true);
  const auto layer = [&](const Tensors& in) { return relu(conv2d(in[0], w, Tensor(), {.padding = 1})); };

  const Plan step = Plan::training([&](const Tensors& in) { return mean(layer(in)); }, {x.shape()});
  const double loss = step.run({x}).item();
  CHECK(w.grad().shape() == w.shape());  // set by the run, not added to what was there
  CHECK(step.peak_bytes() > step.arena_bytes());
  CHECK(loss == Approx(mean(layer({x})).item()));

  CHECK_THROWS_WITH(Plan::training([&](const Tensors& in) { return mean(layer(in)); }, {x.shape()}, {.memory_bytes = 1}),
                    Contains("[plan] a step needs"));
}

// clang-format on

TEST_CASE("docs/plan.md: its examples are the ones above", "[docs]") {
  check_examples("docs/plan.md", "tests/core/plan/test_docs_plan.cpp");
}

TEST_CASE("docs/plan.md: its tables name every rule, and its drawings are there", "[docs]") {
  const auto lines = trimmed_lines("docs/plan.md");
  for (const Rule& rule : plan_rules()) {
    INFO(rule.name);
    const auto is_row = [&](const std::string& line) { return line.starts_with(fmt::format("| `{}` |", rule.name)); };
    CHECK(std::count_if(lines.begin(), lines.end(), is_row) == 1);
    CHECK_FALSE(trimmed_lines(fmt::format("docs/figures/{}.svg", rule.name)).empty());
  }
}

TEST_CASE("docs/plan.md, exercise 1: an output that is used twice", "[docs]") {
  const Tensor x = random_f32({1, 8, 8, 4}), w = random_f32({4, 4, 3, 3});
  const auto f = [&](const Tensor& in) {
    const Tensor h = conv2d(in, w, Tensor(), {.padding = 1});
    return add(relu(h), h);
  };
  check_refused("finish_in_convolution", "its output is used more than once, or is a result", f, x);
}

TEST_CASE("docs/plan.md, exercise 2: statistics of the batch are not known beforehand", "[docs]") {
  const PlanEnvironment no_environment(nullptr);
  const Tensor x = random_f32({1, 8, 8, 4}), w = random_f32({4, 4, 3, 3});
  const Norm norm(4);
  const auto f = [&](const Tensors& in) { return relu(norm(conv2d(in[0], w, Tensor(), {.padding = 1}), true)); };
  const Plan plan = Plan::inference(f, {x.shape()}, {.explains = true});
  CHECK(refusals_of(plan, "fold_batch_norm") == Names{"it normalises by the batch's own statistics"});
  // They need the whole image, so it is stored before the first of its numbers can be normalised.
  CHECK(names_of(plan.graph()) ==
        Names{"conv2d_packed", "channel_statistics", "move_running", "channel_numbers", "normalise"});
}

TEST_CASE("docs/plan.md, exercise 3: ten convolutions take turns in two places", "[docs]") {
  const Tensor w = random_f32({8, 8, 3, 3});
  const auto f = [&](const Tensors& in) {
    Tensor y = in[0];
    for (int i = 0; i < 10; ++i) y = conv2d(y, w, Tensor(), {.padding = 1});
    return y;
  };
  // Without the rule that runs the last of them row by row. The last image is the result, which lies outside.
  const Plan plan = Plan::inference(f, {Shape{1, 64, 64, 8}}, {.without = {"convolutions_by_rows"}});
  const std::int64_t image = 64 * 64 * 8 * 4;
  CHECK(plan.arena_bytes() == 2 * image);
}
