#include "core/operation.h"

#include "core/ops.h"
#include "core/profile.h"
#include "tests/core/graph_testing.h"

using namespace weft;
using namespace weft::test;

namespace {

/// y = 2 x, which counts its runs.
Operation twice(int& runs) {
  const auto run = [&runs](const Tensors& in, const Tensors& out) {
    ++runs;
    for (std::int64_t i = 0; i < in[0].count(); ++i) out[0].mutable_data<double>()[i] = 2 * in[0].data<double>()[i];
  };
  return {.name = "twice", .run = run, .attributes = {{"factor", 2}}};
}

}  // namespace

TEST_CASE("an operation says its attributes", "[operation]") {
  const Operation operation{.name = "some", .run = {}, .attributes = {{"stride", 2}, {"upper", INFINITY}}};
  CHECK(operation.attribute("stride") == 2);
  CHECK(operation.attribute("upper") == INFINITY);
  CHECK(operation.has("stride"));
  CHECK_FALSE(operation.has("strid"));
  CHECK_THROWS_WITH(operation.attribute("padding"), Contains("[some] the operation has no attribute 'padding'"));
}

TEST_CASE("apply computes on tensors with numbers", "[operation]") {
  int runs = 0;
  const Tensor x = iota({2, 3});
  const Tensor y = apply(twice(runs), {x}, type_of(x));
  CHECK(runs == 1);
  CHECK(equal(y, scale(x, 2)));
  CHECK(type_of(y) == TensorType{{2, 3}, DType::f64});
  CHECK_FALSE(type_of(y) == TensorType{{2, 3}, DType::f32});
  CHECK_FALSE(type_of(y) == TensorType{{3, 2}, DType::f64});
}

TEST_CASE("apply hands over several outputs, and inputs that were not given", "[operation]") {
  const auto run = [](const Tensors& in, const Tensors& out) {
    CHECK_FALSE(in[1].defined());
    out[0].copy_from(in[0]);
    out[1].fill(7);
  };
  const Tensors y = apply({.name = "split", .run = run}, {iota({3}), Tensor()},
                          {TensorType{{3}, DType::f64}, TensorType{{2}, DType::f32}});
  REQUIRE(y.size() == 2);
  CHECK(equal(y[0], iota({3})));
  CHECK(equal(y[1], Tensor::full({2}, 7)));
}

TEST_CASE("apply writes down on tensors without numbers, and runs nothing", "[operation]") {
  int runs = 0;
  const auto graph =
      capture([&](const Tensors& in) { return Tensors{apply(twice(runs), in, type_of(in[0]))}; }, {{{3}, DType::f64}});
  CHECK(runs == 0);
  CHECK(names_of(*graph) == Names{"twice"});
  CHECK(graph->steps().front().operation.attribute("factor") == 2);
  CHECK(equal(run_graph(*graph, {iota({3})})[0], tensor({3}, {0, 2, 4})));
  CHECK(runs == 1);
}

TEST_CASE("what a captured function applies to tensors with numbers alone is written down too", "[operation]") {
  int runs = 0;
  const Tensor w = iota({2});
  const auto f = [&](const Tensors& in) {
    const Tensor doubled = apply(twice(runs), {w}, type_of(w));
    CHECK_FALSE(doubled.has_numbers());
    return Tensors{add(in[0], doubled)};
  };
  const auto graph = capture(f, {{{2}, DType::f64}});
  CHECK(runs == 0);
  w.fill(5);  // as an optimizer's step would
  CHECK(equal(run_graph(*graph, {iota({2})})[0], tensor({2}, {10, 11})));
  CHECK(apply(twice(runs), {w}, type_of(w)).has_numbers());  // the capture is over
}

TEST_CASE("captures are not mixed", "[operation]") {
  const TensorType type{{2}, DType::f64};
  Tensor kept;
  capture([&](const Tensors& in) { return Tensors{kept = in[0]}; }, {type});
  CHECK_THROWS_WITH(capture([&](const Tensors& in) { return Tensors{add(in[0], kept)}; }, {type}),
                    Contains("[add] its inputs belong to different captures"));
  CHECK_THROWS_WITH(capture([&](const Tensors&) { return Tensors{scale(kept, 2)}; }, {type}),
                    Contains("[scale] its inputs belong to different captures"));
  // One within another, which goes on afterwards, also where the inner one fails.
  const auto graph = capture(
      [&](const Tensors& in) {
        const auto inner = capture([](const Tensors& x) { return Tensors{scale(x[0], 2)}; }, {type});
        CHECK(names_of(*inner) == Names{"scale"});
        CHECK_THROWS_WITH(capture([&](const Tensors& x) { return Tensors{add(x[0], in[0])}; }, {type}),
                          Contains("different captures"));
        return Tensors{sqrt(in[0])};
      },
      {type});
  CHECK(names_of(*graph) == Names{"sqrt"});
}

TEST_CASE("a result of another capture is refused as a result", "[operation]") {
  Tensor kept;
  capture([&](const Tensors& in) { return Tensors{kept = in[0]}; }, {{{2}, DType::f64}});
  CHECK_THROWS_WITH(capture([&](const Tensors&) { return Tensors{kept}; }, {{{2}, DType::f64}}),
                    Contains("different capture"));
}

TEST_CASE("an operation that runs is profiled", "[operation]") {
  int runs = 0;
  const Tensor x = iota({2, 3});
  Operation operation = twice(runs);
  const ProfileEntry plain = describe_operation(operation, {x, Tensor()}, {x});
  CHECK(plain.op == "twice");
  CHECK(plain.shapes == "[2, 3]");
  CHECK(plain.bytes == 2 * 48);
  CHECK(plain.macs == 0);

  operation.describe = [](const Tensors&, const Tensors&, ProfileEntry& entry) {
    entry.algorithm = "slow", entry.macs = 6;
  };
  const Profile profile;
  apply(operation, {x}, type_of(x));
  REQUIRE(profile.entries().size() == 1);
  CHECK(profile.entries()[0].op == "twice");
  CHECK(profile.entries()[0].algorithm == "slow");
  CHECK(profile.entries()[0].macs == 6);
}
