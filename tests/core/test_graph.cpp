#include "core/graph.h"

#include <algorithm>
#include <list>

#include "core/ops.h"
#include "tests/core/graph_testing.h"

using namespace weft;
using namespace weft::test;

namespace {

constexpr DType f64 = DType::f64;

/// An operation that does nothing, for graphs that are looked at and not run.
Step step_of(const char* name, std::vector<Value> inputs, std::vector<Value> outputs, std::vector<int> changes = {}) {
  return {{.name = name, .run = [](const Tensors&, const Tensors&) {}, .attributes = {}, .changes = std::move(changes)},
          std::move(inputs),
          std::move(outputs)};
}

std::vector<std::string> names_of(const std::vector<const Step*>& steps) {
  std::vector<std::string> names;
  for (const Step* step : steps) names.emplace_back(step->operation.name);
  return names;
}

/// y = x^3 as somebody's own operation: not one of weft's, its gradient written in operations.
Tensor cube(const Tensor& x) {
  const auto run = [](const Tensors& in, const Tensors& out) {
    for (std::int64_t i = 0; i < in[0].count(); ++i) {
      const double v = in[0].data<double>()[i];
      out[0].mutable_data<double>()[i] = v * v * v;
    }
  };
  const Tensor y = apply({.name = "cube", .run = run}, {x}, type_of(x));
  return record(y, "cube", {x}, [x = Saved(x)](const Tensor& dy) {
    return Gradients{multiply(dy, scale(multiply(x.get(), x.get()), 3))};
  });
}

}  // namespace

TEST_CASE("a capture holds steps, inputs, outputs and each parameter once", "[graph]") {
  const Tensor w = random_f64({4, 4, 3, 3}), b = random_f64({4});
  const auto f = [&](const Tensors& in) {
    const Tensor y = relu(conv2d(in[0], w, b, {.padding = 1}));
    return Tensors{conv2d(y, w, b, {.padding = 1}), y};
  };
  const auto graph = capture(f, {{{1, 5, 6, 4}, f64}});
  CHECK(names_of(*graph) == Names{"conv2d", "clamp", "conv2d"});
  REQUIRE(graph->inputs().size() == 1);
  REQUIRE(graph->outputs().size() == 2);
  CHECK(graph->value_count() == 1 + 2 + 3);  // the input, two parameters, three results

  const Step &first = graph->steps().front(), &last = graph->steps().back();
  CHECK(first.inputs[0] == graph->inputs()[0]);
  CHECK(first.inputs[1] == last.inputs[1]);
  CHECK(graph->fixed(first.inputs[1]).identity() == w.identity());
  CHECK(graph->is_fixed(first.inputs[2]));
  CHECK_FALSE(graph->is_fixed(first.inputs[0]));
  CHECK_FALSE(graph->is_fixed(no_value));
  CHECK(first.operation.attribute("padding") == 1);
  CHECK(graph->shape(last.outputs[0]) == Shape{1, 5, 6, 4});
  CHECK(graph->dtype(last.outputs[0]) == f64);

  const Tensor x = random_f64({1, 5, 6, 4});
  const Tensors got = run_graph(*graph, {x}), expected = f({x});
  CHECK(equal(got[0], expected[0]));
  CHECK(equal(got[1], expected[1]));
}

TEST_CASE("a capture of forward pass, loss and gradients is the whole step", "[graph]") {
  const Tensor w1 = random_f32({8, 3, 3, 3}).set_requires_grad(true),
               w2 = random_f32({1, 11, 1, 1}).set_requires_grad(true);
  const Tensor gamma = random_f32({8}).set_requires_grad(true), beta = random_f32({8}).set_requires_grad(true);
  const Tensor mean = Tensor::zeros({8}), var = Tensor::full({8}, 1);
  const Tensors parameters{w1, w2, gamma, beta};
  const auto loss_of = [&](const Tensors& in) {
    const Tensor y = relu(batch_norm(conv2d(in[0], w1, Tensor(), {.padding = 1}), gamma, beta, mean, var, {}));
    const Tensor z = conv2d(concat_channels({y, in[0]}), w2);
    return add(bce_with_logits(z, in[1]), dice_loss(z, in[1]));
  };
  const auto step = [&](const Tensors& in) {
    const Tensor loss = loss_of(in);
    Tensors all = gradients(loss, parameters);
    all.push_back(loss.detach());
    return all;
  };
  const auto graph = capture(step, {floats({2, 6, 5, 3}), floats({2, 6, 5, 1})});
  CHECK(equal(mean, Tensor::zeros({8})));  // a capture moves nothing

  const Tensor x = random_f32({2, 6, 5, 3}), t = sigmoid(random_f32({2, 6, 5, 1}));
  const Tensors got = run_graph(*graph, {x, t});
  const Tensor moved = mean.clone();
  CHECK_FALSE(equal(moved, Tensor::zeros({8})));
  mean.fill(0), var.fill(1);
  const Tensor loss = loss_of({x, t});
  loss.backward();
  CHECK(equal(mean, moved));
  for (std::size_t i = 0; i < parameters.size(); ++i) CHECK(equal(got[i], parameters[i].grad()));
  CHECK(equal(got.back(), loss));
}

TEST_CASE("backward() can be captured, and leaves gradients that are values of the graph", "[graph]") {
  const Tensor w = tensor({2}, {3, 5}).set_requires_grad(true);
  const auto step = [&](const Tensors& in) {
    w.zero_grad();
    sum(multiply(multiply(in[0], w), w)).backward();
    const Tensor gradient = w.grad();
    w.zero_grad();
    return Tensors{gradient};
  };
  const auto graph = capture(step, {{{2}, f64}});
  CHECK(equal(run_graph(*graph, {tensor({2}, {1, 10})})[0], tensor({2}, {6, 100})));
}

TEST_CASE("an operation of one's own is captured, and its gradient", "[graph]") {
  const Tensor w = tensor({2}, {2, 3}).set_requires_grad(true);
  const auto step = [&](const Tensors& in) { return gradients(sum(cube(multiply(in[0], w))), {w}); };
  const auto graph = capture(step, {{{2}, f64}});
  CHECK(count_of(*graph, "cube") == 1);
  CHECK(equal(run_graph(*graph, {tensor({2}, {1, -1})})[0], tensor({2}, {12, -27})));
  w.fill(1);  // read where it lies, at each run
  CHECK(equal(run_graph(*graph, {tensor({2}, {1, -1})})[0], tensor({2}, {3, -3})));
}

TEST_CASE("what depends on parameters alone is part of the graph", "[graph]") {
  // Weight decay, and a weight that is normalised before it is used (Qiao et al. 2019, arXiv:1903.10520).
  const Tensor w = random_f64({2, 3, 3, 3}).set_requires_grad(true), bias = random_f64({2}).set_requires_grad(true);
  const auto loss_of = [&](const Tensors& in) {
    const Tensor centred = subtract(w, mean(w, {1, 2, 3}, true));
    const Tensor y = add(conv2d(in[0], centred), reshape(bias, {1, 1, 1, 2}));
    return add(sum(multiply(y, y)), add(scale(sum(multiply(w, w)), 0.1), sum(bias, {}, false)));
  };
  const auto step = [&](const Tensors& in) {
    const Tensor loss = loss_of(in);
    Tensors all = gradients(loss, {w, bias});
    all.push_back(loss.detach());
    return all;
  };
  const auto graph = capture(step, {{{1, 4, 4, 3}, f64}});
  const Tensor x = random_f64({1, 4, 4, 3});
  for (int run = 0; run < 2; ++run) {
    const Tensors got = run_graph(*graph, {x});
    w.zero_grad(), bias.zero_grad();
    const Tensor loss = loss_of({x});
    loss.backward();
    CHECK(equal(got[0], w.grad()));
    CHECK(equal(got[1], bias.grad()));
    CHECK(equal(got[2], loss));
    w.copy_from(random_f64(w.shape())), bias.copy_from(random_f64(bias.shape()));
  }
}

TEST_CASE("a parameter that is first seen without its history is still the one that learns", "[graph]") {
  const Tensor w = iota({2}).set_requires_grad(true);
  const auto graph =
      capture([&](const Tensors& in) { return Tensors{multiply(add(in[0], w.detach()), w)}; }, {{{2}, f64}});
  const Step& multiplication = graph->steps().back();
  CHECK(graph->steps().front().inputs[1] == multiplication.inputs[1]);
  CHECK(graph->fixed(multiplication.inputs[1]).requires_grad());
}

TEST_CASE("what looks at numbers is not captured", "[graph]") {
  const auto refusal = [](const std::function<void(const Tensor&)>& look) {
    try {
      capture([&](const Tensors& in) { return look(in[0]), in; }, {{{1}, f64}});
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("captured");
  };
  const std::string why =
      "this tensor [1] has a shape and no numbers: it is a value of a graph that is being captured. What looks at "
      "numbers "
      "can't be captured; run it as it stands, without a plan";
  CHECK(refusal([](const Tensor& x) { x.item(); }) == "[item] " + why);
  CHECK(refusal([](const Tensor& x) { x.data<double>(); }) == "[data] " + why);
  CHECK(refusal([](const Tensor& x) { x.mutable_data<double>(); }) == "[data] " + why);
  CHECK(refusal([](const Tensor& x) { x.values<double>(); }) == "[data] " + why);
  CHECK(refusal([](const Tensor& x) { x.raw_data(); }) == "[data] " + why);
  CHECK(refusal([](const Tensor& x) { x.clone(); }) == "[data] " + why);
  CHECK(refusal([](const Tensor& x) { x.to(DType::f32); }) == "[data] " + why);
  CHECK(refusal([](const Tensor& x) { x.fill(1); }) == "[data] " + why);
  CHECK(refusal([](const Tensor& x) { x.copy_from(tensor({1}, {1})); }) == "[data] " + why);
  CHECK(refusal([](const Tensor& x) { tensor({1}, {1}).copy_from(x); }) == "[data] " + why);
  CHECK(refusal([](const Tensor& x) { tensor({1}, {1}).replace(x); }) == "[replace] " + why);
  CHECK(refusal([](const Tensor& x) { x.part(0, {1}, DType::f64); }) == "[part] " + why);
  CHECK_THAT(refusal([](const Tensor& x) { x.view({1, 1}); }), Contains("is reshaped by reshape()"));
  // Nor does a failure leave a capture behind.
  CHECK(scale(tensor({1}, {2}), 3).item() == 6);
}

TEST_CASE("an undefined result is refused", "[graph]") {
  CHECK_THROWS_WITH(capture(
                        [](const Tensors& in) {
                          return Tensors{in[0], Tensor()};
                        },
                        {{{1}, f64}}),
                    Contains("[capture] result 1 is undefined"));
}

TEST_CASE("a tensor without numbers has all else", "[graph]") {
  capture(
      [](const Tensors& in) {
        const Tensor& x = in[0];
        CHECK(x.defined());
        CHECK_FALSE(x.has_numbers());
        CHECK(x.shape() == Shape{2, 3});
        CHECK(x.count() == 6);
        CHECK(x.bytes() == 24);
        CHECK(x.dtype() == DType::f32);
        CHECK(x.version() == 0);
        CHECK_FALSE(x.requires_grad());
        CHECK_FALSE(x.shares_buffer_with(x.detach()));
        CHECK(x.detach().graph_value() == x.graph_value());
        CHECK(reshape(x, {3, 2}).shape() == Shape{3, 2});
        return in;
      },
      {floats({2, 3})});
  const Tensor numbers = iota({1});
  CHECK(numbers.has_numbers());
  CHECK(numbers.graph() == nullptr);
  CHECK(numbers.graph_value() == no_value);
}

TEST_CASE("dropout in a graph draws at each run", "[graph]") {
  const Tensor stream = Tensor::from<std::int64_t>({2}, {7, 0}), again = stream.clone();
  const auto f = [](const Tensor& from) {
    return [from](const Tensors& in) { return Tensors{dropout(in[0], 0.5, true, from)}; };
  };
  const auto graph = capture(f(stream), {{{100}, f64}});
  CHECK(stream.data<std::int64_t>()[1] == 0);  // a capture draws nothing
  const Tensor x = random_f64({100});
  const Tensor first = run_graph(*graph, {x})[0], second = run_graph(*graph, {x})[0];
  CHECK(stream.data<std::int64_t>()[1] == 2);
  CHECK_FALSE(equal(first, second));
  CHECK(equal(first, f(again)({x})[0]));
  CHECK(equal(second, f(again)({x})[0]));
}

TEST_CASE("a graph as text", "[graph]") {
  const Tensor w = Tensor::zeros({4, 3, 3, 3}), b = Tensor::zeros({4});
  const auto graph = capture(
      [&](const Tensors& in) {
        const Tensor y = relu(conv2d(in[0], w, b, {.stride = 2, .padding = 1}));
        return Tensors{add(y, conv2d(y, Tensor::zeros({4, 4, 1, 1})))};
      },
      {floats({1, 8, 8, 3})});
  CHECK(graph->to_string() ==
        "v3 [1, 4, 4, 4] = conv2d(v0, p1, p2; stride 2, padding 1, dilation 1, groups 1)\n"
        "v4 [1, 4, 4, 4] = clamp(v3; lower 0, upper inf)\n"
        "v6 [1, 4, 4, 4] = conv2d(v4, p5, -; stride 1, padding 0, dilation 1, groups 1)\n"
        "v7 [1, 4, 4, 4] = add(v4, v6)\n");
  const auto name_of = [&](const Tensor& t) {
    return std::string(t.identity() == w.identity() ? "stem.weight" : t.identity() == b.identity() ? "stem.bias" : "");
  };
  CHECK(graph->step_text(graph->steps().front(), name_of) ==
        "v3 [1, 4, 4, 4] = conv2d(v0, stem.weight, stem.bias; stride 2, padding 1, dilation 1, groups 1)");
  CHECK(graph->step_text(*std::next(graph->steps().begin(), 2), name_of) ==
        "v6 [1, 4, 4, 4] = conv2d(v4, p5, -; stride 1, padding 0, dilation 1, groups 1)");
}

TEST_CASE("a graph as a drawing", "[graph]") {
  const Tensor w = Tensor::zeros({4, 3, 1, 1});
  const auto graph = capture(
      [&](const Tensors& in) {
        const Tensor y = conv2d(in[0], w);
        return Tensors{scale(y, 2), in[0]};
      },
      {floats({1, 2, 2, 3})});
  const auto name_of = [&](const Tensor& t) { return std::string(t.identity() == w.identity() ? "head.\"w\"" : ""); };
  CHECK(graph->to_dot(name_of) == R"(digraph plan {
  node [shape=box, fontname="sans-serif", fontsize=10];
  i0 [label="input [1, 2, 2, 3]", shape=ellipse];
  s0 [label="conv2d\n[1, 2, 2, 4]\nstride 1, padding 0, dilation 1, groups 1"];
  i0 -> s0;
  p1 [label="head.\"w\"", shape=plain, fontcolor="#777777"];
  p1 -> s0 [color="#bbbbbb"];
  s1 [label="scale\n[1, 2, 2, 4]\nfactor 2"];
  s0 -> s1;
  o3 [label="output [1, 2, 2, 4]", shape=ellipse];
  s1 -> o3;
  o0 [label="output [1, 2, 2, 3]", shape=ellipse];
  i0 -> o0;
}
)");
  CHECK_THAT(graph->to_dot(), !Contains("p1"));  // parameters without names are not drawn
}

TEST_CASE("steps that nobody reads are removed, unless they change something", "[graph]") {
  Graph g;
  const Value x = g.add_input({{1}, f64}), state = g.add_fixed(iota({1}));
  const auto value = [&] { return g.add_value({{1}, f64}); };
  const Value a = value(), b = value(), c = value(), d = value(), e1 = value(), e2 = value();
  g.append(step_of("used", {x}, {a}));
  g.append(step_of("unused", {a}, {b}));
  g.append(step_of("unused after that", {b, a}, {c}));
  g.append(step_of("changes", {state, b}, {}, {0}));
  g.append(step_of("second output used", {a}, {e1, e2}));
  g.append(step_of("unused at the end", {e2}, {d}));
  g.append(step_of("result", {e2, x}, {value()}));
  g.add_output(g.steps().back().outputs[0]);
  g.remove_unused();
  // What "changes" reads is used.
  CHECK(names_of(g) == Names{"used", "unused", "changes", "second output used", "result"});
  CHECK(names_of(g.readers(a)) == Names{"unused", "second output used"});
  CHECK(g.uses(b) == 1);
  CHECK(g.maker(c) == nullptr);
  g.remove_unused();
  CHECK(g.steps().size() == 5);
}

TEST_CASE("who makes and reads a value, after each change of the graph", "[graph]") {
  Graph g;
  const Value x = g.add_input({{1}, f64});
  const auto value = [&] { return g.add_value({{1}, f64}); };
  const Value a = value(), b = value(), c = value();
  const Step* first = &g.append(step_of("first", {x}, {a}));
  const Step* square = &g.append(step_of("square", {a, a}, {b}));
  g.add_output(b);
  CHECK(g.maker(a) == first);
  CHECK(g.maker(x) == nullptr);
  CHECK(g.maker(no_value) == nullptr);
  CHECK(names_of(g.readers(a)) == Names{"square", "square"});  // once for each place
  CHECK(g.uses(a) == 2);
  CHECK(g.only_reader(a) == nullptr);
  CHECK(g.only_reader(x) == first);
  CHECK(g.only_reader(b) == nullptr);  // a result
  CHECK(g.uses(b) == 1);
  CHECK(g.is_output(b));
  CHECK_FALSE(g.is_output(a));
  CHECK(g.readers(no_value).empty());

  const Step* between = g.insert(square, step_of("between", {a}, {c}));
  CHECK(names_of(g) == Names{"first", "between", "square"});
  CHECK(names_of(g.readers(a)) == Names{"between", "square", "square"});
  CHECK(g.is_before(between, square));
  CHECK_FALSE(g.is_before(square, between));
  CHECK(g.last_reader(a) == square);
  CHECK(g.last_reader(c) == nullptr);

  g.set_input(square, 1, c);
  CHECK(names_of(g.readers(a)) == Names{"between", "square"});
  CHECK(g.only_reader(c) == square);
  g.replace_uses(a, x);
  CHECK(g.uses(a) == 0);
  CHECK(names_of(g.readers(x)) == Names{"first", "between", "square"});

  g.remove(first);
  CHECK(g.maker(a) == nullptr);
  CHECK(names_of(g.readers(x)) == Names{"between", "square"});
  g.replace_uses(b, c);
  CHECK(g.is_output(c));
  CHECK_FALSE(g.is_output(b));
  CHECK(g.only_reader(c) == nullptr);  // read by one step, and a result

  // A step may take over the outputs of one that leaves afterwards.
  const Step* instead = g.insert(square, step_of("instead", {c}, {b}));
  g.remove(square);
  CHECK(g.maker(b) == instead);
  const Step* last = g.insert(nullptr, step_of("last", {b}, {value()}));
  g.move_before(instead, last);
  CHECK(names_of(g) == Names{"between", "last", "instead"});
  CHECK(g.is_before(last, instead));
  CHECK(g.is_changed(x) == false);
  g.append(step_of("changes", {b, x}, {}, {1}));
  CHECK(g.is_changed(x));
  CHECK_FALSE(g.is_changed(b));
}

TEST_CASE("the links of a graph agree with its steps after any changes", "[graph]") {
  Random random(3);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random.below(n)); };
  Graph g;
  for (int i = 0; i < 3; ++i) g.add_input({{1}, f64});
  std::list<const Step*> order;
  const auto any = [&] { return *std::next(order.begin(), static_cast<std::ptrdiff_t>(below(order.size()))); };
  const auto new_step = [&] {
    std::vector<Value> inputs, outputs;
    for (std::size_t i = 0; i < 1 + below(3); ++i)
      inputs.push_back(below(8) == 0 ? no_value : static_cast<Value>(below(static_cast<std::size_t>(g.value_count()))));
    for (std::size_t i = 0; i < 1 + below(2); ++i) outputs.push_back(g.add_value({{1}, f64}));
    return step_of("step", inputs, outputs);
  };
  for (int change = 0; change < 300; ++change) {
    const std::size_t kind = order.size() < 3 ? 0 : below(6);
    if (kind == 0) {
      order.push_back(&g.append(new_step()));
    } else if (kind == 1) {
      const Step* place = any();
      order.insert(std::find(order.begin(), order.end(), place), g.insert(place, new_step()));
    } else if (kind == 2) {
      const Step* step = any();
      g.remove(step);
      order.remove(step);
    } else if (kind == 3) {
      const Step* step = any();
      g.set_input(step, below(step->inputs.size()),
                  static_cast<Value>(below(static_cast<std::size_t>(g.value_count()))));
    } else if (kind == 4) {
      const auto value = [&] { return static_cast<Value>(below(static_cast<std::size_t>(g.value_count()))); };
      g.replace_uses(value(), value());
    } else if (const Step* place = any(), *step = any(); place != step) {
      g.move_before(place, step);
      order.remove(step);
      order.insert(std::find(order.begin(), order.end(), place), step);
    }

    std::vector<const Step*> listed;
    for (const Step& step : g.steps()) listed.push_back(&step);
    REQUIRE(std::equal(listed.begin(), listed.end(), order.begin(), order.end()));
    for (Value v = 0; v < g.value_count(); ++v) {
      std::vector<const Step*> readers;
      const Step* maker = nullptr;
      for (const Step* step : listed) {
        for (const Value input : step->inputs) {
          if (input == v) readers.push_back(step);
        }
        if (std::count(step->outputs.begin(), step->outputs.end(), v) > 0) maker = step;
      }
      REQUIRE(g.readers(v) == readers);
      REQUIRE(g.maker(v) == maker);
      REQUIRE(g.uses(v) == static_cast<int>(readers.size()));
      REQUIRE(g.only_reader(v) == (readers.size() == 1 ? readers[0] : nullptr));
      REQUIRE(g.last_reader(v) == (readers.empty() ? nullptr : readers.back()));
    }
  }
}
