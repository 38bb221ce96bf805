#include "core/plan/arena.h"

#include <numeric>

#include "core/ops.h"
#include "core/plan/plan.h"
#include "tests/core/graph_testing.h"

using namespace weft;
using namespace weft::test;

namespace {

std::size_t at(Value v) { return static_cast<std::size_t>(v); }

/// A step that is looked at and not run.
Step step_of(std::vector<Value> inputs, std::vector<Value> outputs, int may_overwrite = -1) {
  return {{.name = "step", .run = {}, .may_overwrite = may_overwrite}, std::move(inputs), std::move(outputs)};
}

/// Steps on values of many sizes, each read by any of those after it.
void fill_at_random(Graph& g, Random& random, int steps) {
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(n)));
  };
  const std::int64_t sizes[] = {0, 1, 16, 17, 100, 100, 1000};
  const auto new_value = [&] { return g.add_value(floats({sizes[below(7)]})); };
  g.add_input(floats({100}));
  g.add_fixed(Tensor::zeros({100}));
  for (int i = 0; i < steps; ++i) {
    std::vector<Value> inputs, outputs;
    for (std::int64_t k = below(3) + 1; k > 0; --k) {
      const std::int64_t recent = std::min<std::int64_t>(g.value_count(), 1 + below(8));  // lives of all lengths
      inputs.push_back(below(10) == 0 ? no_value : static_cast<Value>(g.value_count() - recent));
    }
    for (std::int64_t k = below(4) == 0 ? 2 : 1; k > 0; --k) outputs.push_back(new_value());
    g.append(step_of(inputs, outputs, static_cast<int>(below(static_cast<std::int64_t>(inputs.size()) + 1)) - 1));
  }
  for (const Value v : {g.value_count() - 1, g.value_count() / 2}) {
    if (g.maker(v) != nullptr) g.add_output(v);
  }
}

struct Life {
  int made = -1, read = -1;  // steps, by number
};

std::vector<Life> lives_of(const Graph& g) {
  std::vector<Life> lives(at(g.value_count()));
  int number = 0;
  for (const Step& step : g.steps()) {
    for (const Value v : step.outputs) lives[at(v)] = {number, number};
    for (const Value v : step.inputs) {
      if (v != no_value) lives[at(v)].read = number;
    }
    ++number;
  }
  return lives;
}

std::int64_t bytes_of(const Graph& g, Value v) { return g.shape(v).count() * dtype_bytes(g.dtype(v)); }
std::int64_t rounded_up(std::int64_t bytes) { return (bytes + 63) / 64 * 64; }

/// True where b may lie where a does while both live: b's step says so, and nobody else reads a then or later.
bool overwrites(const Graph& g, const std::vector<Life>& lives, Value b, Value a) {
  const Step& step = *g.maker(b);
  const int place = step.operation.may_overwrite;
  return step.outputs[0] == b && place >= 0 && step.inputs[static_cast<std::size_t>(place)] == a &&
         lives[at(a)].read == lives[at(b)].made && std::count(step.inputs.begin(), step.inputs.end(), a) == 1;
}

}  // namespace

TEST_CASE("values that live at the same time lie apart", "[plan]") {
  Random random(11);
  for (int round = 0; round < 40; ++round) {
    Graph g;
    fill_at_random(g, random, 1 + round);
    const ArenaLayout layout = lay_out_arena(g, g.outputs());
    const std::vector<Life> lives = lives_of(g);
    REQUIRE(layout.offsets.size() == at(g.value_count()));
    std::vector<std::int64_t> live(g.steps().size());
    REQUIRE(layout.gaps.size() == g.steps().size());
    for (Value v = 0; v < g.value_count(); ++v) {
      const std::int64_t offset = layout.offsets[at(v)];
      const bool lies_outside = g.maker(v) == nullptr || g.is_output(v);
      REQUIRE((offset == -1) == lies_outside);
      if (lies_outside) continue;
      REQUIRE(offset % 64 == 0);
      REQUIRE(offset >= 0);
      REQUIRE(offset + bytes_of(g, v) <= layout.bytes);
      for (Value w = 0; w < v; ++w) {
        const std::int64_t other = layout.offsets[at(w)];
        if (other < 0 || lives[at(v)].made > lives[at(w)].read || lives[at(w)].made > lives[at(v)].read) continue;
        const bool overlap = offset < other + bytes_of(g, w) && other < offset + bytes_of(g, v);
        if (overlap) REQUIRE(overwrites(g, lives, v, w));
      }
      for (int s = lives[at(v)].made; s <= lives[at(v)].read; ++s) {
        live[static_cast<std::size_t>(s)] += rounded_up(bytes_of(g, v));
        const ArenaLayout::Gap& gap = layout.gaps[static_cast<std::size_t>(s)];
        const bool meets_gap = offset < gap.offset + gap.bytes && gap.offset < offset + bytes_of(g, v);
        REQUIRE_FALSE(meets_gap);  // what is lent to a step as scratch space
        REQUIRE(gap.offset + gap.bytes <= layout.bytes);
      }
    }
    // No more than twice what lives at the worst moment, where values are placed one after the other as they come.
    const std::int64_t most = *std::max_element(live.begin(), live.end());
    CHECK(layout.bytes <= 2 * most);
    CHECK(layout.bytes % 64 == 0);
  }
}

TEST_CASE("a chain takes two places, or one where its steps overwrite", "[plan]") {
  for (const bool in_place : {false, true}) {
    Graph g;
    Value v = g.add_input(floats({1000}));
    for (int i = 0; i < 5; ++i) {
      const Value y = g.add_value(floats({1000}));
      g.append(step_of({v}, {y}, in_place ? 0 : -1));
      v = y;
    }
    g.add_output(v);
    // The first can't overwrite the input, the last makes the result: four values between.
    CHECK(lay_out_arena(g, g.outputs()).bytes == (in_place ? 1 : 2) * 4032);
  }
}

TEST_CASE("a value is not overwritten that is needed, of another size, read twice, or not of the arena", "[plan]") {
  const auto lies_at = [](std::int64_t size, auto&& build) {
    Graph g;
    const Value x = g.add_input(floats({32})), a = g.add_value(floats({32})), b = g.add_value(floats({size}));
    g.append(step_of({x}, {a}));
    build(g, x, a, b);
    g.append(step_of({b}, {g.add_value(floats({1}))}));
    g.add_output(g.steps().back().outputs[0]);
    const ArenaLayout layout = lay_out_arena(g, g.outputs());
    return std::pair(layout.offsets[at(a)], layout.offsets[at(b)]);
  };
  const std::pair<std::int64_t, std::int64_t> same{0, 0};
  CHECK(lies_at(32, [](Graph& g, Value x, Value a, Value b) { g.append(step_of({a, x}, {b}, 0)); }) == same);
  CHECK(lies_at(32, [](Graph& g, Value x, Value a, Value b) { g.append(step_of({x, a}, {b}, 1)); }) == same);
  CHECK(lies_at(32, [](Graph& g, Value x, Value a, Value b) { g.append(step_of({x, a}, {b}, 0)); }) != same);
  CHECK(lies_at(48, [](Graph& g, Value x, Value a, Value b) { g.append(step_of({a, x}, {b}, 0)); }) != same);
  CHECK(lies_at(32, [](Graph& g, Value, Value a, Value b) { g.append(step_of({a, a}, {b}, 0)); }) != same);
  CHECK(lies_at(32, [](Graph& g, Value, Value a, Value b) { g.append(step_of({a, no_value}, {b}, 1)); }) != same);
  CHECK(lies_at(32, [](Graph& g, Value, Value a, Value b) {
          g.append(step_of({a}, {b}, 0));
          g.append(step_of({a}, {g.add_value(floats({1}))}));
        }) != same);
  CHECK(lies_at(32, [](Graph& g, Value, Value a, Value b) {  // its second output never does
          g.append(step_of({a}, {g.add_value(floats({7})), b}, 0));
        }) != same);
}

TEST_CASE("a network computes in its arena what it computes in buffers of its own", "[plan]") {
  Random random(12);
  for (int round = 0; round < 20; ++round) {
    const auto below = [&](std::uint64_t n) { return static_cast<std::size_t>(random.below(n)); };
    const auto f = [&](const Tensors& in) {
      Tensors values = in;
      const auto any = [&] { return values[values.size() - 1 - below(std::min<std::uint64_t>(values.size(), 5))]; };
      for (int i = 0; i < 25; ++i) {
        const std::size_t kind = below(8);
        const Tensor a = any(), b = any();
        if (kind == 0) values.push_back(scale(add(a, b), 0.5));
        if (kind == 1) values.push_back(subtract(a, b));
        if (kind == 2) values.push_back(tanh(multiply(a, b)));
        if (kind == 3) values.push_back(maximum(a, b));
        if (kind == 4) values.push_back(clamp(a, -0.5, 0.5));
        if (kind == 5) values.push_back(subtract(a, mean(b, {0}, true)));
        if (kind == 6) values.push_back(softmax(a));
        if (kind == 7) values.push_back(add(a, sum(b, {1}, true)));
      }
      return Tensors{values.back(), any(), any()};
    };
    const std::vector<TensorType> types{floats({9, 5}), floats({9, 5})};
    const Plan plan = Plan::inference(f, types);
    const Tensors x{random_f32({9, 5}), random_f32({9, 5})};
    const Tensors got = plan.run_all(x), expected = run_graph(plan.graph(), x);
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(equal(got[i], expected[i]));
  }
}
