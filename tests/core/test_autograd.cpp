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

TEST_CASE("a pass within a pass has gradients of its own", "[autograd]") {
  const Tensor x = tensor({1}, {2}).set_requires_grad(true);
  const Tensor y = scale(x, 1);  // not a leaf: its gradient is gathered in the outer pass
  const Tensor z = record(y.detach(), "nested", {y}, [](const Tensor& dy) {
    const Tensor v = tensor({1}, {5}).set_requires_grad(true);
    backward(v, tensor({1}, {7}));
    CHECK(v.grad().item() == 7);
    return Gradients{dy.clone()};
  });
  sum(add(z, scale(y, 10))).backward();
  CHECK(x.grad().item() == 11);
}

TEST_CASE("a pass that fails leaves nothing to the next one", "[autograd]") {
  const Tensor x = tensor({1}, {2}).set_requires_grad(true);
  const Tensor y = scale(x, 1);
  const Tensor failing = record(y.detach(), "failing", {y}, [](const Tensor&) -> Gradients { fail("no gradient"); });
  const Tensor working = scale(y, 3);
  CHECK_THROWS_WITH(sum(add(failing, scale(y, 10))).backward(), Contains("no gradient"));
  sum(working).backward();
  CHECK(x.grad().item() == 3);
}
