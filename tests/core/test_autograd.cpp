#include "core/autograd.h"

#include "core/ops.h"
#include "tests/gradcheck.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("a tensor used several times gathers all its gradients", "[autograd]") {
  const Tensor x = tensor({2}, {3, 5}).set_requires_grad(true);
  // y = x * x + x + x          dy/dx = 2x + 2
  sum(add(add(multiply(x, x), x), x)).backward();
  CHECK(equal(x.grad(), tensor({2}, {8, 12})));
  sum(x).backward();  // gradients of a second pass are added
  CHECK(equal(x.grad(), tensor({2}, {9, 13})));
  x.zero_grad();
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("a diamond visits the shared node once, after both its consumers", "[autograd]") {
  const Tensor x = tensor({1}, {2}).set_requires_grad(true);
  const Tensor shared = multiply(x, x);                   // x^2
  sum(multiply(shared, add(shared, shared))).backward();  // 2 x^4 -> 8 x^3
  CHECK(x.grad().item() == 64);
}

TEST_CASE("a graph runs backward once", "[autograd]") {
  const Tensor x = tensor({1}, {2}).set_requires_grad(true);
  const Tensor y = multiply(x, x);
  y.backward();
  CHECK_THROWS_WITH(y.backward(), Contains("[backward] multiply was already run backward"));
}

TEST_CASE("what an operation saved must not be overwritten", "[autograd]") {
  const Tensor x = tensor({1}, {2}).set_requires_grad(true);
  const Tensor w = tensor({1}, {3});
  const Tensor y = multiply(x, w);
  w.fill(4);
  CHECK_THROWS_WITH(y.backward(), Contains("saved for the gradient was overwritten"));
}

TEST_CASE("nothing is recorded without need", "[autograd]") {
  const Tensor x = tensor({1}, {2}).set_requires_grad(true);
  {
    const NoGrad no_grad;
    CHECK_FALSE(multiply(x, x).requires_grad());
  }
  CHECK(multiply(x, x).requires_grad());
  CHECK_FALSE(multiply(x.detach(), x.detach()).requires_grad());
  CHECK_THROWS_WITH(x.detach().backward(), Contains("has no history"));
  CHECK_THROWS_WITH(backward(add(x, tensor({2}, {1, 1}))), Contains("expected a scalar or a seed gradient, got [2]"));
  CHECK_THROWS_WITH(multiply(x, x).set_requires_grad(false), Contains("is the result of an operation"));
}

TEST_CASE("a chain of a hundred thousand operations is freed without recursion", "[autograd]") {
  const Tensor x = tensor({1}, {1}).set_requires_grad(true);
  Tensor y = x;
  for (int i = 0; i < 100000; ++i) y = add(y, x);
  y.backward();
  CHECK(x.grad().item() == 100001);
  Tensor never_run = x;
  for (int i = 0; i < 100000; ++i) never_run = add(never_run, x);
}

namespace {

/// x, times `factor`, as an operation whose gradient includes what others contributed. `took` is set to what it took.
Tensor adding_scale(const Tensor& x, double factor, Tensor* took = nullptr) {
  return record(scale(x.detach(), factor), "adding_scale", {x},
                [factor, took, x_node = std::weak_ptr(x.node())](const Tensor& dy) {
                  const Tensor so_far = take_gradient_so_far(x_node);
                  if (took != nullptr) *took = so_far.defined() ? so_far.clone() : Tensor();
                  const Tensor dx = scale(dy, factor);
                  return Gradients{so_far.defined() ? add(so_far, dx) : dx};
                });
}

}  // namespace

TEST_CASE("an operation may include in its gradient what others have contributed", "[autograd]") {
  const Tensor x = tensor({2}, {1, 2}).set_requires_grad(true);
  Tensor first, second, third;
  const Tensor a = adding_scale(x, 3, &first), b = adding_scale(x, 10, &second), c = scale(x, 100);
  sum(add(add(a, b), c)).backward();  // c's gradient comes first, then b's, then a's
  CHECK(equal(x.grad(), tensor({2}, {113, 113})));
  CHECK(equal(second, tensor({2}, {100, 100})));
  CHECK(equal(first, tensor({2}, {110, 110})));

  x.zero_grad();
  sum(adding_scale(x, 3, &third)).backward();
  CHECK_FALSE(third.defined());
  CHECK(equal(x.grad(), tensor({2}, {3, 3})));

  // Outside of a backward pass there is nothing to take.
  CHECK_FALSE(take_gradient_so_far(x.node()).defined());
}

TEST_CASE("a gradient whose buffer others can reach is not handed out", "[autograd]") {
  const Tensor x = tensor({2}, {1, 2}).set_requires_grad(true);
  Tensor took;
  // add() hands dy itself to x and to the other operation: it is that one's dy while it would take it.
  const Tensor scaled = adding_scale(x, 3, &took);
  sum(add(x, scaled)).backward();
  CHECK_FALSE(took.defined());
  CHECK(equal(x.grad(), tensor({2}, {4, 4})));
}

TEST_CASE("a pass within a pass has gradients of its own", "[autograd]") {
  const Tensor x = tensor({1}, {2}).set_requires_grad(true);
  Tensor inner, outer;
  const Tensor y = scale(x, 1);  // not a leaf: its gradient is gathered in the outer pass
  const Tensor z =
      record(y.detach(), "nested", {y}, [y_node = std::weak_ptr(y.node()), &inner, &outer](const Tensor& dy) {
        const Tensor v = tensor({1}, {5}).set_requires_grad(true);
        inner = take_gradient_so_far(v.node());
        backward(v, tensor({1}, {7}));
        CHECK(v.grad().item() == 7);
        outer = take_gradient_so_far(y_node);
        return Gradients{outer.defined() ? add(outer, dy) : dy.clone()};
      });
  sum(add(z, scale(y, 10))).backward();
  CHECK_FALSE(inner.defined());
  REQUIRE(outer.defined());
  CHECK(x.grad().item() == 11);
}

TEST_CASE("a pass that fails leaves nothing to the next one", "[autograd]") {
  const Tensor x = tensor({1}, {2}).set_requires_grad(true);
  const Tensor y = scale(x, 1);
  Tensor took;
  const Tensor failing = record(y.detach(), "failing", {y}, [](const Tensor&) -> Gradients { fail("no gradient"); });
  const Tensor taking = adding_scale(y, 3, &took);
  CHECK_THROWS_WITH(sum(add(failing, scale(y, 10))).backward(), Contains("no gradient"));
  CHECK_FALSE(take_gradient_so_far(y.node()).defined());
  sum(taking).backward();
  CHECK_FALSE(took.defined());
  CHECK(x.grad().item() == 3);
}

TEST_CASE("sums are asked for where a gradient is whole, and there alone", "[autograd]") {
  const Tensor x = tensor({1}, {2}).set_requires_grad(true);
  // What the uses of y do, in the order in which their gradients are computed: how often are sums asked for, and of
  // what?
  const auto asked = [&](auto&& use) {
    std::vector<double> whole;
    const Tensor y = scale(x, 1);
    y.node()->sums_over = [&](const Tensor& dy) -> kernels::OutputSums* {
      whole.push_back(dy.item());
      return nullptr;
    };
    use(y);
    return whole;
  };
  const auto asking = [](const Tensor& y, double factor) {
    return record(scale(y.detach(), factor), "asking", {y},
                  [factor, y_node = std::weak_ptr(y.node())](const Tensor& dy) {
                    const Tensor so_far = take_gradient_so_far(y_node), dx = scale(dy, factor);
                    const Tensor all = so_far.defined() ? add(so_far, dx) : dx;
                    sums_over_gradient(y_node, all);
                    return Gradients{all};
                  });
  };
  using Whole = std::vector<double>;
  CHECK(asked([&](const Tensor& y) { asking(y, 3).backward(); }) == Whole{3});
  CHECK(asked([&](const Tensor& y) {
          const Tensor a = asking(y, 3), b = asking(y, 10);
          add(a, b).backward();
        }) == Whole{13});
  CHECK(asked([&](const Tensor& y) {  // the last contribution is scale's
          const Tensor a = scale(y, 3), b = asking(y, 10);
          add(a, b).backward();
        })
            .empty());
  CHECK(asked([&](const Tensor& y) {  // the same y twice in one operation
          const Tensor a = asking(y, 3), b = multiply(y, y);
          multiply(a, b).backward();
        }) == Whole{36});
  CHECK(asked([&](const Tensor& y) {  // what is not part of the loss contributes nothing
          const Tensor a = asking(y, 3), unused = asking(y, 10);
          a.backward();
        }) == Whole{3});
}
