// upsample_conv2d against the three operations that it stands for.

#include <cmath>

#include "core/autograd.h"
#include "core/kernels/conv_winograd.h"
#include "core/kernels/isa.h"
#include "core/ops.h"
#include "core/ops/packed_conv.h"
#include "core/profile.h"
#include "tests/core/kernels/kernel_testing.h"
#include "tests/gradcheck.h"

using namespace weft;
using namespace weft::test;

namespace {

/// Float values from [-1, 1).
Tensor random_f32(const Shape& shape, std::uint32_t seed) {
  return Tensor::from(shape, fractions(shape.count(), seed).content());
}

Tensor spelled_out(const Tensor& x, const Tensor& skip, const Tensor& w) {
  const Tensor up = upsample_nearest2x(x);
  return conv2d(skip.defined() ? concat_channels({up, skip}) : up, w, Tensor(), {.padding = 1});
}

/// The largest difference, relative to the largest expected value.
double deviation(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  const Tensor exact = b.to(DType::f64), other = a.to(DType::f64);
  double error = 0, range = 1e-30;
  for (std::int64_t i = 0; i < a.count(); ++i) {
    error = std::max(error, std::abs(other.data<double>()[i] - exact.data<double>()[i]));
    range = std::max(range, std::abs(exact.data<double>()[i]));
  }
  return error / range;
}

struct Case {
  std::int64_t n, h, w, c_up, c_skip, c_out;
};

// Tiles of 8x8 outputs in the first and the last, of 4x4 in {1, 4, 4, ...} and {1, 2, 30, ...}, of 6x6 in the others.
constexpr Case cases[] = {{1, 1, 1, 8, 0, 8},    {2, 3, 5, 8, 3, 17},    {1, 4, 4, 33, 20, 70},
                          {2, 9, 7, 16, 8, 16},  {1, 2, 30, 40, 0, 100}, {1, 25, 26, 32, 16, 16},
                          {2, 9, 14, 40, 0, 16}, {2, 9, 14, 32, 0, 16}};

/// What may be lost to rounding, relative to the largest value. A skip is Winograd's.
double rounding(const Case& c) {
  return c.c_skip > 0 && kernels::prefers_six(c.c_up + c.c_skip, c.c_out) ? 8e-6 : 3e-6;
}

}  // namespace

TEST_CASE("upsample_conv2d and its gradients equal upsampling, joining and convolving in float64", "[ops]") {
  for (const Case& c : cases) {
    const Tensor x = random_f32({c.n, c.h, c.w, c.c_up}, 1), w = random_f32({c.c_out, c.c_up + c.c_skip, 3, 3}, 2);
    const Tensor skip = c.c_skip > 0 ? random_f32({c.n, 2 * c.h, 2 * c.w, c.c_skip}, 3) : Tensor();
    const Tensor dy = random_f32({c.n, 2 * c.h, 2 * c.w, c.c_out}, 4);
    INFO("x " << fmt::format("{}", x.shape()) << ", skip " << c.c_skip << ", to " << c.c_out);
    Tensors exact;
    for (const Tensor& t : {x, w, skip})
      exact.push_back(t.defined() ? t.to(DType::f64).set_requires_grad(true) : Tensor());
    const Tensor expected = spelled_out(exact[0], exact[2], exact[1]);
    backward(expected, dy.to(DType::f64));

    for_each_isa([&] {
      Tensors leaves;
      for (const Tensor& t : {x, w, skip}) leaves.push_back(t.defined() ? t.clone().set_requires_grad(true) : Tensor());
      const Tensor y = upsample_conv2d(leaves[0], leaves[2], leaves[1]);
      CHECK(std::string(y.node()->name) == "upsample_conv2d");
      CHECK(deviation(y, expected) < rounding(c));
      backward(y, dy);
      for (std::size_t i = 0; i < 3; ++i) {
        INFO("gradient " << i);
        if (leaves[i].defined()) CHECK(deviation(leaves[i].grad(), exact[i].grad()) < rounding(c));
      }
    });
  }
}

TEST_CASE("upsampling inside the convolution is exact on integers", "[ops]") {
  // All coefficients of the form for 4x4 outputs are 0, 1 and 1/2. Only the upsampled part: the skip's is Winograd's,
  // which rounds, and so do the forms with larger tiles, for few channels.
  const Shape x_shape{2, 5, 7, 40}, w_shape{36, 40, 3, 3}, y_shape{2, 10, 14, 36};
  const Tensor x = Tensor::from(x_shape, small_integers(x_shape.count(), 1).content()).set_requires_grad(true);
  const Tensor w = Tensor::from(w_shape, small_integers(w_shape.count(), 2).content()).set_requires_grad(true);
  const Tensor dy = Tensor::from(y_shape, small_integers(y_shape.count(), 3).content());
  const Tensor x64 = x.to(DType::f64).set_requires_grad(true), w64 = w.to(DType::f64).set_requires_grad(true);
  const Tensor expected = spelled_out(x64, Tensor(), w64);
  backward(expected, dy.to(DType::f64));
  for_each_isa([&] {
    x.zero_grad(), w.zero_grad();
    const Tensor y = upsample_conv2d(x, Tensor(), w);
    backward(y, dy);
    CHECK(deviation(y, expected) == 0);
    CHECK(deviation(x.grad(), x64.grad()) == 0);
    CHECK(deviation(w.grad(), w64.grad()) == 0);
  });
}

TEST_CASE("the gradient with respect to x is exact on integers with larger tiles too", "[ops]") {
  const Shape x_shape{2, 5, 7, 40}, w_shape{18, 40, 3, 3}, y_shape{2, 10, 14, 18};
  const Tensor x = Tensor::from(x_shape, small_integers(x_shape.count(), 1).content()).set_requires_grad(true);
  const Tensor w = Tensor::from(w_shape, small_integers(w_shape.count(), 2).content());
  const Tensor dy = Tensor::from(y_shape, small_integers(y_shape.count(), 3).content());
  const Tensor x64 = x.to(DType::f64).set_requires_grad(true);
  backward(spelled_out(x64, Tensor(), w.to(DType::f64)), dy.to(DType::f64));
  for_each_isa([&] {
    x.zero_grad();
    backward(upsample_conv2d(x, Tensor(), w), dy);
    CHECK(deviation(x.grad(), x64.grad()) == 0);
  });
}

TEST_CASE("upsample_conv2d: gradients by finite differences, errors", "[ops]") {
  check_gradient([](const Tensors& in) { return upsample_conv2d(in[0], in[1], in[2]); },
                 {random_f64({1, 2, 3, 2}), random_f64({1, 4, 6, 1}), random_f64({2, 3, 3, 3})});
  const Tensor x = Tensor::zeros({1, 2, 3, 8}), w = Tensor::zeros({8, 8, 3, 3});
  CHECK_THROWS_WITH(upsample_conv2d(x, Tensor::zeros({1, 4, 5, 2}), w),
                    Contains("[upsample_conv2d] expected a skip [1, 4, 6, C]"));
  CHECK_THROWS_WITH(upsample_conv2d(x, Tensor::zeros({1, 4, 6, 2}), w),
                    Contains("[upsample_conv2d] expected a weight [Cout, 10, 3, 3], got [8, 8, 3, 3]"));
}

TEST_CASE("upsample_conv2d gives the same bits with any number of threads", "[ops][threads]") {
  const Tensor x = random_f32({1, 40, 48, 24}, 1).set_requires_grad(true);
  const Tensor skip = random_f32({1, 80, 96, 16}, 2).set_requires_grad(true);
  const Tensor w = random_f32({40, 40, 3, 3}, 3).set_requires_grad(true), dy = random_f32({1, 80, 96, 40}, 4);
  check_thread_independence([&] {
    for (const Tensor& t : {x, skip, w}) t.zero_grad();
    const Tensor y = upsample_conv2d(x, skip, w);
    backward(y, dy);
    std::vector<float> bits;
    for (const Tensor& t : {y, x.grad(), skip.grad(), w.grad()})
      bits.insert(bits.end(), t.values<float>().begin(), t.values<float>().end());
    return bits;
  });
}

TEST_CASE("PackedConv equals the convolution that it was made from", "[ops]") {
  const Tensor x = random_f32({2, 6, 5, 16}, 1), skip = random_f32({2, 12, 10, 4}, 2), bias = random_f32({24}, 3);
  const Tensor up_w = random_f32({24, 20, 3, 3}, 4), w = random_f32({24, 16, 3, 3}, 5);
  const Conv2dOptions options{.padding = 1};
  for_each_isa([&] {
    const PackedConv plain(w, bias, options), upsampled(up_w, bias, options, 16);
    CHECK(plain.is_ready());
    CHECK(deviation(plain.forward(x, relu_clamp), relu(conv2d(x, w, bias, options))) < 1e-6);
    CHECK(deviation(upsampled.forward_upsampled(x, skip, relu_clamp),
                    relu(add(upsample_conv2d(x, skip, up_w), bias))) < 1e-6);
  });
  const PackedConv narrow(random_f32({3, 20, 3, 3}, 6), Tensor(), options, 16);
  CHECK(narrow.forward_upsampled(x, skip, no_clamp).shape() == Shape{2, 12, 10, 3});
}

TEST_CASE("forward_chain gives what its convolutions give one after the other", "[ops]") {
  const Conv2dOptions options{.padding = 1};
  const Tensor x = random_f32({1, 192, 9, 16}, 1), bias = random_f32({16}, 2), w = random_f32({16, 16, 3, 3}, 3);
  const int before = num_threads();
  for_each_isa([&] {
    const PackedConv up(random_f32({16, 16, 3, 3}, 4), bias, options, 16), second(w, bias, options);
    const Tensor h1 = up.forward_upsampled(x, Tensor(), relu_clamp), h2 = second.forward(h1, relu6_clamp);
    // The algorithms of the passes that it takes.
    const auto check = [&](const PackedConv& head, const std::vector<std::string>& passes) {
      const PackedStep steps[] = {{&up, relu_clamp}, {&second, relu6_clamp}, {&head, no_clamp}};
      const Tensor expected = head.forward(h2, no_clamp);
      Profile profile;
      CHECK(deviation(forward_chain(steps, x), expected) == 0);
      std::vector<std::string> taken;
      for (const ProfileEntry& entry : profile.entries()) taken.push_back(entry.algorithm);
      CHECK(taken == passes);
    };
    const PackedConv head(random_f32({1, 16, 3, 3}, 5), random_f32({1}, 6), options);
    set_num_threads(1);
    check(head, {"chain"});
    check(PackedConv(random_f32({1, 16, 3, 3}, 7), Tensor(), {}), {"upsample", "winograd_six", "igemm"});  // no padding
    check(PackedConv(random_f32({4, 16, 1, 1}, 8), Tensor(), {}), {"upsample", "winograd_six", "igemm"});
    set_num_threads(2);
    check(head, {"upsample", "chain"});
    set_num_threads(3);
    check(head, {"upsample", "winograd_six", "igemm"});
  });
  set_num_threads(before);
  const PackedConv first(w, bias, options), head(random_f32({1, 16, 3, 3}), Tensor(), options);
  const PackedStep steps[] = {{&first, relu_clamp}, {&head, no_clamp}};
  CHECK_THROWS_WITH(forward_chain(steps, Tensor::empty({0, 6, 5, 16})), Contains("no output"));
  CHECK_THROWS_WITH(forward_chain(steps, random_f32({1, 60, 9, 12})), Contains("12"));
}

TEST_CASE("PackedConv refuses what conv2d refuses", "[ops]") {
  const Conv2dOptions options{.padding = 1};
  const Tensor w = random_f32({24, 16, 3, 3}), x = random_f32({2, 6, 5, 16});
  const PackedConv conv(w, Tensor(), options);
  CHECK_THROWS_WITH(conv.forward(Tensor::empty({0, 6, 5, 16}), no_clamp), Contains("no output"));
  CHECK_THROWS_WITH(conv.forward(x, no_clamp, Tensor::empty({2, 6, 4, 24})), Contains("expected a residual"));
  CHECK_THROWS_WITH(PackedConv(w, random_f32({23}), options), Contains("expected bias [24]"));
  CHECK_THROWS_WITH(PackedConv(w, Tensor(), {}).forward(random_f32({1, 2, 2, 16}), no_clamp),
                    Contains("no output"));
  const PackedConv upsampled(w, Tensor(), options, 16);
  CHECK_THROWS_WITH(upsampled.forward_upsampled(Tensor::empty({0, 6, 5, 16}), Tensor(), no_clamp),
                    Contains("expected [N, H, W, C]"));
  CHECK_THROWS_WITH(upsample_conv2d(Tensor::empty({0, 6, 5, 16}), Tensor(), w), Contains("expected [N, H, W, C]"));
  const PackedConv with_skip(w, Tensor(), options, 12);
  CHECK_THROWS_WITH(with_skip.forward_upsampled(x, Tensor(), no_clamp), Contains("expected 12 upsampled"));
}

TEST_CASE("PackedConv without padding takes the fast algorithm too", "[ops]") {
  const Tensor w = random_f32({24, 16, 3, 3}), x = random_f32({1, 9, 8, 16});
  for_each_isa([&] {
    CHECK(deviation(PackedConv(w, Tensor(), {}).forward(x, no_clamp), conv2d(x, w, Tensor(), {})) < 1e-6);
  });
}
