#include "core/autograd.h"
#include "core/ops.h"
#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

namespace {
Tensor ones(std::int64_t c) { return Tensor::full({c}, 1, DType::f64); }
Tensor zeros(std::int64_t c) { return Tensor::zeros({c}, DType::f64); }
}  // namespace

TEST_CASE("batch_norm has the right gradients in both modes", "[ops]") {
  for (bool training : {true, false}) {
    for (Shape s : {Shape{2, 3, 5, 4}, {3, 1, 1, 2}, {1, 2, 1, 1}}) {
      const std::int64_t c = s[3];
      const Tensor mean = random_f64({c}), root = random_f64({c}), var = add_scalar(multiply(root, root), 0.5);
      check_gradient(
          [&](const Tensors& in) {
            return batch_norm(scale(in[0], 3), in[1], in[2], mean.clone(), var.clone(), {.training = training});
          },
          {random_f64(s), random_f64({c}), random_f64({c})}, 2e-6);
    }
  }
}

TEST_CASE("batch_norm normalises and moves the running statistics, the variance unbiased", "[ops]") {
  // One channel, values 1 2 3 4: mean 2.5, biased variance 1.25, unbiased 5/3.
  const Tensor x = tensor({1, 2, 2, 1}, {1, 2, 3, 4});
  const Tensor mean = zeros(1), var = ones(1);
  const Tensor y = batch_norm(x, ones(1), zeros(1), mean, var, {.momentum = 0.1, .epsilon = 0});
  CHECK(y.data<double>()[0] == Approx(-1.5 / std::sqrt(1.25)));
  CHECK(mean.item() == Approx(0.25));
  CHECK(var.item() == Approx(0.9 + 0.1 * 5.0 / 3.0));

  const Tensor again =
      batch_norm(x, ones(1), zeros(1), tensor({1}, {2}), tensor({1}, {4}), {.training = false, .epsilon = 0});
  CHECK(equal(again, tensor({1, 2, 2, 1}, {-0.5, 0, 0.5, 1})));
}

TEST_CASE("batch_norm of a constant stays finite, and a mean far from zero keeps its digits", "[ops]") {
  const Tensor flat = batch_norm(Tensor::full({1, 4, 4, 1}, 3, DType::f64), ones(1), zeros(1), zeros(1), ones(1), {});
  CHECK(relative_difference(flat, Tensor::zeros({1, 4, 4, 1}, DType::f64)) < 1e-20);

  // In float32, E[x^2] - E[x]^2 would lose everything here: the spread is 1e-4 of the mean.
  Tensor x = Tensor::empty({1, 64, 64, 3});
  Random draw(5);
  for (std::int64_t i = 0; i < x.count(); ++i)
    x.mutable_data<float>()[i] = static_cast<float>(1000 + 0.1 * draw.normal());
  const auto run = [](const Tensor& in) {
    const DType d = in.dtype();
    return batch_norm(in, Tensor::full({3}, 1, d), Tensor::zeros({3}, d), Tensor::zeros({3}, d),
                      Tensor::full({3}, 1, d), {});
  };
  CHECK(relative_difference(run(x), run(x.to(DType::f64))) < 1e-3);
}

TEST_CASE("batch_norm gives the same bits for any number of threads", "[ops]") {
  const Tensors inputs{random_f64({2, 33, 17, 24}), random_f64({24}), random_f64({24})};
  for (bool training : {true, false}) {
    const TensorFunction f = [training](const Tensors& in) {
      const DType d = in[0].dtype();
      return batch_norm(in[0], in[1], in[2], Tensor::zeros({24}, d), Tensor::full({24}, 1, d), {.training = training});
    };
    check_threads(f, inputs);
    check_float32(f, inputs, 2e-6);
  }
}

TEST_CASE("batch_norm leaves a gradient alone that someone else holds", "[ops]") {
  const Tensor x = random_f32({1, 4, 4, 8}).set_requires_grad(true);
  const auto run = [&](const Tensor& seed) {
    backward(batch_norm(x, Tensor::full({8}, 1), Tensor::zeros({8}), Tensor::zeros({8}), Tensor::full({8}, 1), {}),
             seed);
  };
  const Tensor seed = random_f32({1, 4, 4, 8}), before = seed.clone();
  run(seed);
  CHECK(equal(seed, before));
}

TEST_CASE("batch_norm refuses what it can't normalise", "[ops]") {
  CHECK_THROWS_WITH(batch_norm(iota({1, 1, 1, 2}), ones(2), zeros(2), zeros(2), ones(2), {}),
                    Contains("more than one value a channel"));
  CHECK_NOTHROW(batch_norm(iota({1, 1, 1, 2}), ones(2), zeros(2), zeros(2), ones(2), {.training = false}));
  CHECK_THROWS_WITH(batch_norm(iota({1, 2, 2, 2}), ones(3), zeros(2), zeros(2), ones(2), {}), Contains("expected [2]"));
}
