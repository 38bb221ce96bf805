// The examples of docs/core.md, line for line, and the answers to its exercises.

#include "tests/core/graph_testing.h"
#include "tests/docs_blocks.h"
#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

namespace {

// clang-format off

Tensor cube(const Tensor& x) {
  const Tensor y = multiply(multiply(x.detach(), x.detach()), x.detach());
  return record(y, "cube", {x}, [x = Saved(x)](const Tensor& dy) {
    return Gradients{multiply(dy, scale(multiply(x.get(), x.get()), 3))};
  });
}

TEST_CASE("docs/core.md: what is a tensor here?", "[docs]") {
  const Tensor a = tensor({2, 3}, {0, 1, 2, 3, 4, 5});
  const Tensor b = a;                // the same buffer
  const Tensor c = a.view({3, 2});   // the same buffer under another shape
  const Tensor d = a.clone();        // a buffer of its own
  a.mutable_data<double>()[0] = 7;
  CHECK(b.data<double>()[0] == 7);
  CHECK(c.data<double>()[0] == 7);
  CHECK(d.data<double>()[0] == 0);
}

TEST_CASE("docs/core.md: reading and writing", "[docs]") {
  const Tensor t = tensor({2}, {1, 2});
  const auto before = t.version();
  t.data<double>();
  CHECK(t.version() == before);
  t.fill(0);
  CHECK(t.version() == before + 1);
}

TEST_CASE("docs/core.md: what does an operation leave behind?", "[docs]") {
  const Tensor x = tensor({1}, {3}).set_requires_grad(true);
  const Tensor y = add(multiply(x, x), x);
  const Node& sum_node = *y.node();
  CHECK(sum_node.name == std::string("add"));
  CHECK(sum_node.inputs[0]->name == std::string("multiply"));
  CHECK(sum_node.inputs[1] == x.node());
  CHECK(sum_node.inputs[0]->order < sum_node.order);
  y.backward();
  CHECK(x.grad().item() == 7);
}

TEST_CASE("docs/core.md: what may a gradient remember?", "[docs]") {
  check_gradient([](const Tensors& in) { return cube(in[0]); }, {random_f64({3, 2})});

  const Tensor x = tensor({1}, {2}).set_requires_grad(true);
  const Tensor y = cube(x);
  x.fill(5);  // cube's gradient needs the 2
  CHECK_THROWS_WITH(y.backward(), Contains("saved for the gradient was overwritten"));
}

TEST_CASE("docs/core.md: in what is a gradient written?", "[docs]") {
  const Tensor w = tensor({1}, {3}).set_requires_grad(true);
  const auto slope = [&](const Tensors& in) { return gradients(cube(multiply(w, in[0])), {w}); };
  const auto graph = capture(slope, {{{1}, DType::f64}});
  CHECK(names_of(*graph) == Names{"multiply", "multiply", "multiply", "multiply", "scale", "multiply", "multiply"});
  CHECK(run_graph(*graph, {tensor({1}, {2})})[0].item() == 3 * 36 * 2);
}

TEST_CASE("docs/core.md: the adjoint identity", "[docs]") {
  const Tensor x = random_integers({1, 3, 5, 2}, 100, DType::f64, 1).set_requires_grad(true);
  const Tensor ax = upsample_bilinear2x(x);
  const Tensor y = random_integers({1, 6, 10, 2}, 100, DType::f64, 2);
  backward(ax, y);  // x.grad() is now A'y
  CHECK(dot(ax, y) == dot(x, x.grad()));
}

TEST_CASE("docs/core.md: max pooling", "[docs]") {
  const Tensor x = tensor({1, 2, 2, 1}, {1, 4, 4, 0}).set_requires_grad(true);
  max_pool2d(x, {.kernel = 2, .stride = 2}).backward();
  CHECK(equal(x.grad(), tensor({1, 2, 2, 1}, {0, 1, 0, 0})));
}

TEST_CASE("docs/core.md: why gradients are checked in double", "[docs]") {
  const auto slope_error = [](DType dtype) {
    const auto f = [&](double v) { return sigmoid(tensor({1}, {v}).to(dtype)).item(); };
    const double slope = (f(0.3 + 1e-5) - f(0.3 - 1e-5)) / 2e-5;
    return std::abs(slope - f(0.3) * (1 - f(0.3)));
  };
  CHECK(slope_error(DType::f64) < 1e-9);
  CHECK(slope_error(DType::f32) > 1e-5);  // a wrong gradient would hide in this
}

TEST_CASE("docs/core.md: addition is not associative", "[docs]") {
  const float big = 1e8f;
  CHECK((big + -big) + 1 == 1);
  CHECK(big + (-big + 1) == 0);
}

// clang-format on

TEST_CASE("docs/core.md: its examples are the ones above", "[docs]") {
  check_examples("docs/core.md", "tests/core/test_docs_core.cpp");
}

TEST_CASE("docs/core.md, exercise 1: a cube that saves y", "[docs]") {
  const auto cube_by_y = [](const Tensor& x) {
    const Tensor y = multiply(multiply(x.detach(), x.detach()), x.detach());
    return record(y, "cube", {x}, [y = Saved(y)](const Tensor& dy) {
      const Tensor root = Tensor::empty(dy.shape(), dy.dtype());  // x again
      std::transform(y->data<double>(), y->data<double>() + dy.count(), root.mutable_data<double>(),
                     [](double v) { return std::cbrt(v); });
      return Gradients{multiply(dy, scale(multiply(root, root), 3))};
    });
  };
  check_gradient([&](const Tensors& in) { return cube_by_y(in[0]); }, {random_f64({3, 2})});

  // y overflows long before 3 x^2 does: at x = 1e104 the slope is 3e208, but y = 1e312 is infinite.
  const Tensor x = tensor({1}, {1e104}).set_requires_grad(true);
  cube_by_y(x).backward();
  CHECK(std::isinf(x.grad().item()));
  x.zero_grad();
  cube(x).backward();
  CHECK(x.grad().item() == Approx(3e208));
}

TEST_CASE("docs/core.md, exercise 2: three winners", "[docs]") {
  const Tensor x = tensor({1, 2, 2, 1}, {4, 4, 1, 4}).set_requires_grad(true);
  max_pool2d(x, {}).backward();
  CHECK(equal(x.grad(), tensor({1, 2, 2, 1}, {1, 0, 0, 0})));

  // Up, the first leads the others; down, they hold the maximum without it: 1/2, and 1/2 for each of the three.
  // There is no derivative here. But the three together must move the maximum by 1, and 1/2 each would say 3/2.
  const auto largest = [](double first) { return max_pool2d(tensor({1, 2, 2, 1}, {first, 4, 1, 4}), {}).item(); };
  CHECK((largest(4 + 1e-3) - largest(4 - 1e-3)) / 2e-3 == Approx(0.5));
  const auto all_three = [](double v) { return max_pool2d(tensor({1, 2, 2, 1}, {v, v, 1, v}), {}).item(); };
  CHECK((all_three(4 + 1e-3) - all_three(4 - 1e-3)) / 2e-3 == Approx(sum(x.grad()).item()));
}

TEST_CASE("docs/core.md, exercise 3: two losses on one trunk", "[docs]") {
  const Tensor x = tensor({1}, {2}).set_requires_grad(true);
  const auto trunk = [&] { return cube(x); };                         // 12 per unit of x
  const auto first = [](const Tensor& t) { return multiply(t, t); };  // 2 t = 16
  const auto second = [](const Tensor& t) { return scale(t, 5); };

  const Tensor shared = trunk();
  add(first(shared), second(shared)).backward();
  CHECK(x.grad().item() == 12 * (16 + 5));

  const Tensor again = trunk();
  const Tensor one = first(again), two = second(again);
  one.backward();
  CHECK_THROWS_WITH(two.backward(), Contains("[backward] cube was already run backward"));
}

}  // namespace
