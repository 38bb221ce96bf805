#include "core/plan/constants.h"

#include "core/ops.h"
#include "core/plan/plan.h"
#include "tests/core/graph_testing.h"

using namespace weft;
using namespace weft::test;

namespace {

/// y = factor x, which counts its runs.
Operation times(double factor, int& runs) {
  const auto run = [factor, &runs](const Tensors& in, const Tensors& out) {
    ++runs;
    for (std::int64_t i = 0; i < in[0].count(); ++i)
      out[0].mutable_data<float>()[i] = static_cast<float>(factor) * in[0].data<float>()[i];
  };
  return {.name = "times", .run = run, .attributes = {{"factor", factor}}};
}

Tensor full(double value) { return Tensor::full({2}, value); }

/// The constant times(factor) of a tensor, or of what times(inner) makes of it.
Constant constant_of(double factor, int& runs, const Tensor& source, const TensorType& type, double inner = 0) {
  Graph graph;
  Value v = graph.add_fixed(source);
  const auto add_step = [&](double by, const TensorType& made) -> const Step& {
    const Value out = graph.add_value(made);
    const Step& step = graph.append({times(by, runs), {v}, {out}});
    v = out;
    return step;
  };
  if (inner != 0) add_step(inner, type_of(source));
  return {graph, add_step(factor, type)};
}

}  // namespace

TEST_CASE("a constant is computed once for the same operation on the same tensors", "[plan]") {
  int runs = 0;
  Constants constants;
  const Tensor w = full(3), same_values = full(3);
  const auto get = [&](double factor, const Tensor& of) {
    return constants.get(constant_of(factor, runs, of, type_of(of)));
  };
  const auto first = get(2, w);
  CHECK(equal(first->outputs()[0], full(6)));
  CHECK(get(2, w) == first);
  CHECK(runs == 1);
  CHECK(get(5, w) != first);                                               // another attribute
  CHECK(get(2, same_values) != first);                                     // another tensor
  CHECK(constants.get(constant_of(2, runs, w, floats({1, 2}))) != first);  // another shape of the result
  CHECK(constants.get(constant_of(2, runs, w, floats({2}), 1)) != first);  // another way there
  CHECK(runs == 6);
  CHECK(constants.bytes() == 5 * 8);
}

TEST_CASE("constants follow the tensors that they come from", "[plan]") {
  int first_runs = 0, second_runs = 0;
  Constants constants;
  const Tensor w = full(1), v = full(1);
  const auto of_w = constants.get(constant_of(2, first_runs, w, type_of(w), 10));
  const auto of_v = constants.get(constant_of(2, second_runs, v, type_of(v)));
  constants.refresh({of_w, of_v});
  CHECK(first_runs == 2);  // nothing has changed
  CHECK(second_runs == 1);

  w.fill(4);
  constants.refresh({of_w, of_v});
  CHECK(equal(of_w->outputs()[0], full(80)));
  CHECK(first_runs == 4);
  CHECK(second_runs == 1);  // it was left alone

  w.replace(full(5));  // as loading a file does
  constants.refresh({of_w, of_v});
  CHECK(equal(of_w->outputs()[0], full(100)));
}

TEST_CASE("constants of released tensors stay, and nothing new is made of these", "[plan]") {
  int runs = 0;
  Constants constants;
  const Tensor w = full(1);
  const auto known = constants.get(constant_of(2, runs, w, type_of(w), 10));
  CHECK(constants.bytes() == 8);  // without what lies between
  w.release_numbers();
  CHECK_FALSE(w.has_numbers());
  CHECK(w.shape() == Shape{2});
  constants.refresh({known});
  CHECK(runs == 2);
  CHECK(equal(known->outputs()[0], full(20)));
  CHECK(constants.get(constant_of(2, runs, w, type_of(w), 10)) == known);
  CHECK_THROWS_WITH(constants.get(constant_of(3, runs, w, type_of(w))),
                    Contains("[plan] times needs weights that were let go of: the network is for inference only"));
  CHECK_THROWS_WITH(w.data<float>(), Contains("they were let go of"));
}

TEST_CASE("a constant that can't be computed is not kept", "[plan]") {
  int runs = 0;
  Constants constants;
  const Tensor w = full(1);
  Graph graph;
  Operation operation = times(2, runs);
  operation.run = [](const Tensors&, const Tensors&) { fail("not today"); };
  const Step& step = graph.append({operation, {graph.add_fixed(w)}, {graph.add_value(type_of(w))}});
  CHECK_THROWS_WITH(constants.get({graph, step}), Contains("not today"));
  CHECK(constants.bytes() == 0);
  CHECK(equal(constants.get(constant_of(2, runs, w, type_of(w)))->outputs()[0], full(2)));
}

TEST_CASE("plans of several sizes share what is computed of their weights", "[plan]") {
  const Tensor w = random_f32({8, 4, 3, 3}), gamma = random_f32({8}), beta = random_f32({8}), mean = random_f32({8}),
               var = Tensor::full({8}, 2);
  const auto f = [&](const Tensors& in) {
    const Tensor y =
        batch_norm(conv2d(in[0], w, Tensor(), {.padding = 1}), gamma, beta, mean, var, {.training = false});
    return relu(add(y, reshape(beta, {1, 1, 1, 8})));
  };
  const auto plan_of = [&](const Shape& shape, const std::shared_ptr<Constants>& constants) {
    return Plan::inference(Plan::Function(f), {shape}, {.constants = constants});
  };
  const auto shared = std::make_shared<Constants>();
  const Shape small{1, 6, 6, 4}, large{2, 30, 17, 4};
  const Plan first = plan_of(small, shared);
  const std::int64_t bytes = first.constant_bytes();
  CHECK(bytes > 0);
  const Plan second = plan_of(large, shared);
  CHECK(shared->bytes() == bytes);
  CHECK(plan_of(large, nullptr).constant_bytes() == bytes);

  const auto agree = [&] {
    for (const auto& [plan, shape] : {std::pair(&first, small), {&second, large}}) {
      const Tensor x = random_f32(shape);
      CHECK(relative_difference(plan->run({x}), f({x})) < 2e-5);
    }
  };
  agree();
  w.copy_from(random_f32(w.shape()));  // each plan notices, whoever runs first
  agree();
  mean.fill(0.25);
  agree();
  beta.replace(random_f32({8}));
  agree();
}

TEST_CASE("constants of one tensor in two shapes are two", "[plan]") {
  const Tensor w = iota({6}).to(DType::f32);
  const auto f = [&](const Tensors& in) {
    return add(in[0], add(reshape(w, {2, 3}),
                          multiply(sum(reshape(w, {2, 3}), {0}, true), sum(reshape(w, {2, 3}), {1}, true))));
  };
  const Plan plan = Plan::inference(Plan::Function(f), {{2, 3}});
  const Tensor x = random_f32({2, 3});
  CHECK(equal(plan.run({x}), f({x})));
}

TEST_CASE("a network whose weights were let go of goes on running", "[plan]") {
  const Tensor w = random_f32({8, 4, 3, 3}), gamma = random_f32({8}), beta = random_f32({8}), mean = random_f32({8}),
               var = Tensor::full({8}, 2);
  const auto f = [&](const Tensors& in) {
    return batch_norm(conv2d(in[0], w, Tensor(), {.padding = 1}), gamma, beta, mean, var, {.training = false});
  };
  const Tensor x = random_f32({1, 6, 6, 4}), expected = Plan::inference(Plan::Function(f), {{1, 6, 6, 4}}).run({x});
  const Plan plan = Plan::inference(Plan::Function(f), {{1, 6, 6, 4}}, {.releases_parameters = true});
  CHECK_FALSE(w.has_numbers());
  CHECK(equal(plan.run({x}), expected));
}
