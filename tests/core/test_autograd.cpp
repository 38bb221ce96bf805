#include "core/autograd.h"

#include "core/allocator.h"
#include "core/ops.h"
#include "tests/gradcheck.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("a tensor used several times gathers all its gradients", "[autograd]") {
  const Tensor x = tensor({2}, {3, 5}).set_requires_grad(true);
  // y = x * x + x + x          dy/dx = 2x + 2
  sum(add(add(mul(x, x), x), x)).backward();
  CHECK(equal(x.grad(), tensor({2}, {8, 12})));
  sum(x).backward();  // gradients of a second pass are added
  CHECK(equal(x.grad(), tensor({2}, {9, 13})));
  x.zero_grad();
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("a diamond visits the shared node once, after both its consumers", "[autograd]") {
  const Tensor x = tensor({1}, {2}).set_requires_grad(true);
  const Tensor shared = mul(x, x);                           // x^2
  sum(mul(shared, add(shared, shared))).backward();          // 2 x^4 -> 8 x^3
  CHECK(x.grad().item() == 64);
}

TEST_CASE("a graph runs backward once", "[autograd]") {
  const Tensor x = tensor({1}, {2}).set_requires_grad(true);
  const Tensor y = mul(x, x);
  y.backward();
  CHECK_THROWS_WITH(y.backward(), Contains("[backward] mul was already run backward"));
}

TEST_CASE("what an operation saved must not be overwritten", "[autograd]") {
  const Tensor x = tensor({1}, {2}).set_requires_grad(true);
  const Tensor w = tensor({1}, {3});
  const Tensor y = mul(x, w);
  w.fill(4);
  CHECK_THROWS_WITH(y.backward(), Contains("saved for the gradient was overwritten"));
}

TEST_CASE("an output that is quickly made again is not kept", "[autograd]") {
  const auto normalised = [](const Tensor& x) {
    const Tensor one = Tensor::full({4}, 1), none = Tensor::zeros({4});
    return batch_norm(x, one, none, none.clone(), one.clone(), {.activation = Activation::relu});
  };
  const auto bytes_kept = [&](const Tensor& x) {
    const std::size_t before = memory_use().live_bytes;
    Tensor y = normalised(x);
    const Tensor z = mul(y, y);  // saves y, twice
    y = Tensor();
    return memory_use().live_bytes - before - static_cast<std::size_t>(z.bytes());
  };
  const Tensor x = random_f32({1, 64, 64, 4}).set_requires_grad(true);
  const auto size = static_cast<std::size_t>(x.bytes());
  CHECK(bytes_kept(x) > size);
  {
    const RecomputeActivations recompute;
    CHECK(bytes_kept(x) < size / 2);
    CHECK(RecomputeActivations::is_on());
  }
  CHECK_FALSE(RecomputeActivations::is_on());

  const auto gradient = [&] {
    x.zero_grad();
    const Tensor y = normalised(x);
    sum(mul(y, y)).backward();
    return x.grad();
  };
  const Tensor expected = gradient();
  const RecomputeActivations recompute;
  CHECK(equal(gradient(), expected));

  const Tensor y = normalised(x), z = sum(mul(y, y));
  x.fill(1);  // y can no longer be made again
  CHECK_THROWS_WITH(z.backward(), Contains("saved for the gradient was overwritten"));
}

TEST_CASE("nothing is recorded without need", "[autograd]") {
  const Tensor x = tensor({1}, {2}).set_requires_grad(true);
  {
    const NoGrad no_grad;
    CHECK_FALSE(mul(x, x).requires_grad());
  }
  CHECK(mul(x, x).requires_grad());
  CHECK_FALSE(mul(x.detach(), x.detach()).requires_grad());
  CHECK_THROWS_WITH(x.detach().backward(), Contains("has no history"));
  CHECK_THROWS_WITH(backward(add(x, tensor({2}, {1, 1}))), Contains("expected a scalar or a seed gradient, got [2]"));
  CHECK_THROWS_WITH(mul(x, x).set_requires_grad(false), Contains("is the result of an operation"));
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
