#include "core/ops.h"
#include "core/parallel.h"
#include "tests/gradcheck.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("conv2d has the right gradients for each option", "[ops]") {
  struct Case {
    Shape x, w;
    Conv2dOptions options;
  };
  const Case cases[] = {
      {{1, 1, 1, 1}, {1, 1, 1, 1}, {}},
      {{2, 5, 4, 3}, {4, 3, 3, 3}, {.padding = 1}},
      {{1, 6, 7, 2}, {3, 2, 3, 3}, {.stride = 2, .padding = 1}},
      {{1, 7, 5, 2}, {2, 2, 3, 3}, {.padding = 2, .dilation = 2}},
      {{1, 5, 5, 4}, {6, 2, 3, 3}, {.padding = 1, .groups = 2}},
      {{1, 6, 5, 3}, {3, 1, 3, 3}, {.stride = 2, .padding = 1, .groups = 3}},
      {{1, 4, 9, 2}, {3, 2, 1, 5}, {.padding = 2}},
  };
  for (const Case& c : cases) {
    INFO(c.x.to_string() << " * " << c.w.to_string());
    check_gradient([&](const Tensors& in) { return conv2d(in[0], in[1], in[2], c.options); },
                   {random_f64(c.x), random_f64(c.w), random_f64({c.w[0]})});
    check_gradient([&](const Tensors& in) { return conv2d(in[0], in[1], Tensor(), c.options); },
                   {random_f64(c.x), random_f64(c.w)});
  }
}

TEST_CASE("conv2d of a picture that fits the eye", "[ops]") {
  const Tensor x = iota({1, 3, 3, 1});
  CHECK(equal(conv2d(x, tensor({1, 1, 2, 2}, {1, 0, 0, -1})), tensor({1, 2, 2, 1}, {-4, -4, -4, -4})));
  CHECK(equal(conv2d(x, tensor({2, 1, 1, 1}, {1, 10}), tensor({2}, {0, 1}), {.stride = 2}),
              tensor({1, 2, 2, 2}, {0, 1, 2, 21, 6, 61, 8, 81})));
  CHECK(
      equal(depthwise_conv2d(iota({1, 1, 2, 2}), tensor({2, 1, 1, 1}, {1, -1})), tensor({1, 1, 2, 2}, {0, -1, 2, -3})));
}

TEST_CASE("conv2d names what does not fit", "[ops]") {
  const Tensor x = iota({2, 8, 8, 32});
  CHECK_THROWS_WITH(
      conv2d(x, iota({64, 64, 3, 3})),
      Contains("[conv2d] weight expects 64 input channels, input has 32: input [2, 8, 8, 32], weight [64, 64, 3, 3]"));
  CHECK_THROWS_WITH(conv2d(x, iota({4, 32, 9, 9})), Contains("the kernel does not fit"));
  CHECK_THROWS_WITH(conv2d(x, iota({4, 32, 3, 3}), iota({3})), Contains("expected bias [4], got [3]"));
  CHECK_THROWS_WITH(conv2d(x, iota({4, 32, 3, 3}), Tensor(), {.stride = 0}), Contains("expected stride"));
  CHECK_THROWS_WITH(conv2d(x, iota({3, 16, 3, 3}), Tensor(), {.groups = 2}), Contains("do not divide into 2 groups"));
  CHECK_THROWS_WITH(depthwise_conv2d(x, iota({32, 2, 3, 3})), Contains("weight [C, 1, KH, KW]"));
}

TEST_CASE("conv_transpose2d has the right gradients and is conv2d's adjoint", "[ops]") {
  struct Case {
    Shape x, w;
    ConvTranspose2dOptions options;
  };
  const Case cases[] = {{{1, 3, 4, 2}, {2, 3, 2, 2}, {.stride = 2}},
                        {{2, 3, 2, 3}, {3, 2, 3, 3}, {.stride = 2, .padding = 1, .output_padding = 1}},
                        {{1, 4, 4, 1}, {1, 2, 3, 3}, {.padding = 1}}};
  for (const Case& c : cases) {
    check_gradient([&](const Tensors& in) { return conv_transpose2d(in[0], in[1], in[2], c.options); },
                   {random_f64(c.x), random_f64(c.w), random_f64({c.w[1]})});
    // <conv2d(y), x> = <y, conv_transpose2d(x)>
    const Tensor x = random_f64(c.x), w = random_f64(c.w);
    const Tensor up = conv_transpose2d(x, w, Tensor(), c.options);
    const Tensor y = random_f64(up.shape());
    CHECK(dot(conv2d(y, w, Tensor(), {.stride = c.options.stride, .padding = c.options.padding}), x) ==
          Approx(dot(y, up)));
  }
  CHECK(
      equal(conv_transpose2d(tensor({1, 1, 2, 1}, {1, 2}), tensor({1, 1, 2, 2}, {1, 2, 3, 4}), Tensor(), {.stride = 2}),
            tensor({1, 2, 4, 1}, {1, 2, 2, 4, 3, 4, 6, 8})));
  CHECK_THROWS_WITH(conv_transpose2d(iota({1, 2, 2, 3}), iota({2, 3, 2, 2})), Contains("weight [Cin, Cout, KH, KW]"));
}

TEST_CASE("convolutions give the same bits for any number of threads", "[ops]") {
  const Tensor x = random_f32({2, 17, 13, 24}), w = random_f32({40, 24, 3, 3});
  const auto run = [&] {
    const Tensor leaf_x = x.clone().set_requires_grad(true), leaf_w = w.clone().set_requires_grad(true);
    const Tensor y = conv2d(leaf_x, leaf_w, Tensor(), {.padding = 1});
    backward(y, Tensor::full(y.shape(), 0.37));
    return Tensors{y.detach(), leaf_x.grad(), leaf_w.grad()};
  };
  const int before = num_threads();
  set_num_threads(1);
  const Tensors expected = run();
  for (int threads : {2, 3, 7}) {
    set_num_threads(threads);
    const Tensors got = run();
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(equal(got[i], expected[i]));
  }
  set_num_threads(before);
}

TEST_CASE("weights without channels are refused", "[ops]") {
  const Tensor x = random_f32({1, 4, 4, 3});
  CHECK_THROWS_WITH(conv2d(x, Tensor::empty({0, 3, 3, 3}), Tensor(), {.padding = 1}), Contains("at least one channel"));
  CHECK_THROWS_WITH(conv2d(random_f32({1, 4, 4, 0}), Tensor::empty({2, 0, 3, 3}), Tensor(), {.padding = 1}),
                    Contains("at least one channel"));
  CHECK_THROWS_WITH(conv_transpose2d(x, Tensor::empty({3, 0, 2, 2}), Tensor(), {.stride = 2}),
                    Contains("without empty axes"));
  CHECK_THROWS_WITH(conv_transpose2d(x, Tensor::empty({3, 2, 0, 0}), Tensor(), {.stride = 2}),
                    Contains("without empty axes"));
}
