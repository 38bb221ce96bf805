#include <algorithm>

#include "core/autograd.h"
#include "core/ops.h"
#include "core/profile.h"
#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

namespace {
Tensor ones(std::int64_t c) { return Tensor::full({c}, 1, DType::f64); }
Tensor zeros(std::int64_t c) { return Tensor::zeros({c}, DType::f64); }
}  // namespace

TEST_CASE("batch_norm has the right gradients in both modes, with each clamp and a residual", "[ops]") {
  for (bool training : {true, false}) {
    for (Clamp clamp : {no_clamp, relu_clamp, relu6_clamp}) {
      for (Shape s : {Shape{2, 3, 5, 4}, {3, 1, 1, 2}, {1, 2, 1, 1}}) {
        const std::int64_t c = s[3];
        const Tensor mean = random_f64({c}),
                     var = add(multiply(random_f64({c}), random_f64({c})), multiply(random_f64({c}), random_f64({c})));
        const Tensor positive_var = add(multiply(var, var), ones(c));
        check_gradient(
            [&](const Tensors& in) {
              return batch_norm(scale(in[0], 3), in[1], in[2], mean.clone(), positive_var.clone(),
                                {.training = training, .clamp = clamp});
            },
            {random_f64(s), random_f64({c}), random_f64({c})}, 2e-6);
        check_gradient(
            [&](const Tensors& in) {
              return batch_norm(scale(in[0], 3), in[1], in[2], mean.clone(), positive_var.clone(),
                                {.training = training, .clamp = clamp}, in[3]);
            },
            {random_f64(s), random_f64({c}), random_f64({c}), random_f64(s)}, 2e-6);
      }
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

TEST_CASE("batch_norm with a residual and an clamp is the three operations, bit for bit", "[ops]") {
  const Shape shape{2, 33, 17, 24};
  const Tensors inputs{random_f64(shape), random_f64({24}), random_f64({24}), random_f64(shape)};
  const auto norm = [](const Tensors& in, Clamp clamp, const Tensor& residual) {
    const DType d = in[0].dtype();
    return batch_norm(in[0], in[1], in[2], Tensor::zeros({24}, d), Tensor::full({24}, 1, d), {.clamp = clamp},
                      residual);
  };
  // The residual is also a multiple of x: its gradient meets dx on the way, so neither may overwrite what the other
  // still needs.
  const auto fused = [&](Clamp clamp) {
    return [&, clamp](const Tensors& in) { return norm(in, clamp, add(in[3], in[0])); };
  };
  const auto apart = [&](Clamp clamp) {
    return [&, clamp](const Tensors& in) {
      const Tensor total = add(norm(in, no_clamp, Tensor()), add(in[3], in[0]));
      return !clips(clamp) ? total : clamp.upper > 6 ? relu(total) : relu6(total);
    };
  };
  for (Clamp clamp : {no_clamp, relu_clamp, relu6_clamp}) {
    for (DType dtype : {DType::f32, DType::f64}) {
      const Tensors one = result_and_gradients(fused(clamp), inputs, dtype),
                    three = result_and_gradients(apart(clamp), inputs, dtype);
      for (std::size_t i = 0; i < one.size(); ++i) CHECK(equal(one[i], three[i]));
    }
    check_threads(fused(clamp), inputs);
  }
}

TEST_CASE("batch_norm with the statistics that its convolution took is as with those of its own pass", "[ops]") {
  const std::int64_t c = 24;
  const Tensor x = random_f32({2, 33, 30, c}), w = random_f32({c, c, 3, 3});
  const auto run = [&](bool asks) {
    const Tensor gamma = Tensor::full({c}, 1.5).set_requires_grad(true), mean = Tensor::zeros({c}),
                 var = Tensor::full({c}, 1);
    ChannelStatistics statistics;
    const Tensor z = conv2d(x, w, Tensor(), {.padding = 1}, asks ? &statistics : nullptr);
    CHECK(statistics.mean.defined() == asks);
    const Tensor y =
        batch_norm(z, gamma, Tensor::zeros({c}), mean, var, {.clamp = relu_clamp}, Tensor(), statistics);
    sum(multiply(y, y)).backward();
    return Tensors{y, mean, var, gamma.grad()};
  };
  const Tensors taken = run(true), expected = run(false);
  // y and its gradient round by parts that differ: some units in the last place of their largest values.
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(relative_difference(taken[i], expected[i]) < 4e-6);
}

TEST_CASE("batch_norm's gradients are right where a convolution takes its sums, and where it must not", "[ops]") {
  const Tensors inputs{random_f64({2, 19, 22, 24}), random_f64({24}), random_f64({24}), random_f64({16, 24, 3, 3})};
  const auto norm = [](const Tensors& in) {
    const DType d = in[0].dtype();
    return batch_norm(in[0], in[1], in[2], Tensor::zeros({24}, d), Tensor::full({24}, 1, d),
                      {.clamp = relu6_clamp});
  };
  // A single use; two of them, one after the other in the backward pass; and one that no gradient comes through. The
  // last to contribute takes the sums: where that is scale, nobody does.
  const auto single = [&](const Tensors& in) { return conv2d(norm(in), in[3], Tensor(), {.padding = 1}); };
  const auto twice = [&](const Tensors& in) {
    const Tensor y = norm(in);
    const Tensor a = conv2d(y, in[3], Tensor(), {.padding = 1});
    return add(a, conv2d(scale(y, 0.5), in[3], Tensor(), {.padding = 1}));
  };
  const auto scaled_first = [&](const Tensors& in) {
    const Tensor y = norm(in), half = scale(y, 0.5);
    return add(conv2d(y, in[3], Tensor(), {.padding = 1}), conv2d(half, in[3], Tensor(), {.padding = 1}));
  };
  // y = act(norm + r): the sums need y itself, and dz is r's gradient.
  const auto with_residual = [&](const Tensors& in) {
    const DType d = in[0].dtype();
    const Tensor r = conv2d(norm(in), in[3]), x = scale(r, -0.5);
    const Tensor y = batch_norm(x, Tensor::full({16}, 1, d), Tensor::full({16}, 0.1, d), Tensor::zeros({16}, d),
                                Tensor::full({16}, 1, d), {.clamp = relu_clamp}, r);
    return max_pool2d(y, {.kernel = 3, .stride = 2, .padding = 1});
  };
  const auto unused = [&](const Tensors& in) {
    const Tensor y = norm(in);
    const Tensor not_differentiated = conv2d(y, in[3]);
    return upsample_conv2d(y, Tensor(), in[3]);
  };
  const Tensor joined_weight = random_f64({16, 48, 3, 3});
  const auto with_skip = [&](const Tensors& in) {  // y is x, part of the skip, and x again
    const Tensor y = norm(in);
    return add(upsample_conv2d(y, upsample_nearest2x(y), joined_weight.to(y.dtype())),
               upsample_conv2d(y, Tensor(), in[3]));
  };
  const auto takes_a_pass = [&](const TensorFunction& f) {
    const Profile profile;
    result_and_gradients(f, inputs, DType::f32);
    const auto& entries = profile.entries();
    return std::any_of(entries.begin(), entries.end(), [](const ProfileEntry& e) { return e.op == "batch_norm sums"; });
  };
  for (const TensorFunction& f :
       {TensorFunction(single), TensorFunction(twice), TensorFunction(unused), TensorFunction(with_residual)}) {
    CHECK(!takes_a_pass(f));
  }
  CHECK(takes_a_pass(scaled_first));
  const TensorFunction functions[] = {single, twice, scaled_first, unused, with_skip, with_residual};
  for (const TensorFunction& f : functions) {
    check_float32(f, inputs, 2e-5);
    check_threads(f, inputs);
    const RecomputeActivations recompute;
    check_float32(f, inputs, 2e-5);
  }
}

TEST_CASE("batch_norm's sums of a pass that failed are not taken for those of the next", "[ops]") {
  const Tensor x = random_f32({2, 33, 33, 16}).set_requires_grad(true), w = random_f32({16, 16, 3, 3});
  const Tensor gamma = random_f32({16}).set_requires_grad(true);
  const auto norm = [&] {
    return batch_norm(x, gamma, Tensor::zeros({16}), Tensor::zeros({16}), Tensor::full({16}, 1), {});
  };
  const Tensor seed = random_f32(x.shape());
  const std::vector<float> values(seed.values<float>().begin(), seed.values<float>().end());
  const auto gradient = [&](const Tensor& y) {  // of a seed whose buffer may lie where that of a failed pass lay
    gamma.zero_grad();
    backward(y, Tensor::from(x.shape(), values));
    return gamma.grad();
  };
  const Tensor expected = gradient(norm());

  const Tensor y = norm();
  const Tensor failing = record(x.detach(), "failing", {x}, [](const Tensor&) -> Gradients { fail("no gradient"); });
  const Tensor z = add(conv2d(y, w, Tensor(), {.padding = 1}), failing);
  CHECK_THROWS_WITH(backward(z, random_f32(z.shape())), Contains("no gradient"));
  CHECK(equal(gradient(y), expected));
}

TEST_CASE("batch_norm leaves a gradient alone that someone else holds", "[ops]") {
  const Tensor x = random_f32({1, 4, 4, 8}).set_requires_grad(true);
  const auto run = [&](const Tensor& seed) {
    const Tensor y = batch_norm(x, Tensor::full({8}, 1), Tensor::zeros({8}), Tensor::zeros({8}), Tensor::full({8}, 1),
                                {.clamp = relu_clamp});
    backward(y, seed);
  };
  const Tensor seed = random_f32({1, 4, 4, 8}), before = seed.clone();
  run(seed);
  CHECK(equal(seed, before));
}

TEST_CASE("batch_norm refuses what it can't normalise", "[ops]") {
  CHECK_THROWS_WITH(batch_norm(iota({1, 1, 1, 2}), ones(2), zeros(2), zeros(2), ones(2), {}),
                    Contains("more than one value a channel"));
  CHECK_NOTHROW(batch_norm(iota({1, 1, 1, 2}), ones(2), zeros(2), zeros(2), ones(2), {.training = false}));
  CHECK_THROWS_WITH(batch_norm(iota({1, 2, 2, 2}), ones(2), zeros(2), zeros(2), ones(2), {}, iota({1, 2, 2, 1})),
                    Contains("expected a residual [1, 2, 2, 2], got [1, 2, 2, 1]"));
  CHECK_THROWS_WITH(batch_norm(iota({1, 2, 2, 2}), ones(3), zeros(2), zeros(2), ones(2), {}), Contains("expected [2]"));
}
