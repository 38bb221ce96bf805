#include "core/kernels/reference/conv2d.h"

#include <cstdlib>
#include <vector>

#include "core/check.h"
#include "tests/catch.h"

using namespace weft;
using namespace weft::kernels;

TEST_CASE("reference convolution on a case that can be checked by eye", "[conv]") {
  // One image 1x3 with two channels, kernel 1x2, padding 1 to the left and right.
  ConvProblem p;
  p.h = 1, p.w = 3, p.c_in = 2, p.c_out = 1, p.kernel_w = 2, p.padding_w = 1;
  const std::vector<double> x = {1, 10, 2, 20, 3, 30};
  const std::vector<double> w = {1, 2, 100, 200};  // [1, 2, 1, 2]: channel 0 taps 1, 2; channel 1 taps 100, 200
  REQUIRE(p.out_h() == 1);
  REQUIRE(p.out_w() == 4);

  std::vector<double> y(4), bias = {0.5};
  reference::conv2d_forward(p, x.data(), w.data(), {bias.data(), nullptr, no_clamp}, y.data());
  CHECK(y == std::vector<double>{2 + 2000 + 0.5, 1 + 4 + 1000 + 4000 + 0.5, 2 + 6 + 2000 + 6000 + 0.5, 3 + 3000 + 0.5});

  std::vector<double> dx(6), dw(4);
  const std::vector<double> dy = {1, 2, 3, 4};
  reference::conv2d_input_gradient(p, dy.data(), w.data(), {}, dx.data());
  CHECK(dx == std::vector<double>{1 * 2 + 2 * 1, 1 * 200 + 2 * 100, 2 * 2 + 3 * 1, 2 * 200 + 3 * 100, 3 * 2 + 4 * 1,
                                  3 * 200 + 4 * 100});
  reference::conv2d_weight_gradient(p, x.data(), dy.data(), dw.data());
  CHECK(dw == std::vector<double>{2 * 1 + 3 * 2 + 4 * 3, 1 * 1 + 2 * 2 + 3 * 3, 20 * 1 + 30 * 2 + 40 * 3,
                                  10 * 1 + 20 * 2 + 30 * 3});
}

TEST_CASE("groups keep their channels apart", "[conv]") {
  ConvProblem p;
  p.c_in = 4, p.c_out = 2, p.groups = 2;
  const std::vector<float> x = {1, 2, 3, 4}, w = {1, 10, 100, 1000};
  std::vector<float> y(2);
  reference::conv2d_forward(p, x.data(), w.data(), {}, y.data());
  CHECK(y == std::vector<float>{21, 4300});
}

TEST_CASE("the epilogue adds bias and residual before the activation", "[conv]") {
  const ConvProblem p;
  const float x = 2, w = 3, bias = -10, residual = 5;
  float y = 0;
  reference::conv2d_forward(p, &x, &w, {&bias, &residual, no_clamp}, &y);
  CHECK(y == 1);
  reference::conv2d_forward(p, &x, &w, {&bias, nullptr, relu_clamp}, &y);
  CHECK(y == 0);
  reference::conv2d_forward(p, &x, &w, {nullptr, &residual, relu6_clamp}, &y);
  CHECK(y == 6);
}

TEST_CASE("a kernel that does not fit has no output", "[conv]") {
  ConvProblem p;
  p.h = 2, p.w = 2, p.kernel_h = 3, p.kernel_w = 2, p.stride_h = 2;
  CHECK(p.out_h() == 0);
  CHECK(p.out_w() == 1);
}

TEST_CASE("WEFT_CONV forces an algorithm by name", "[conv]") {
  setenv("WEFT_CONV", "reference", 1);
  CHECK(std::string(choose_conv(ConvProblem()).name) == "reference");
  setenv("WEFT_CONV", "fastest", 1);
  CHECK_THROWS_WITH(choose_conv(ConvProblem()),
                    Contains("WEFT_CONV=fastest is not an algorithm; there are: ") && Contains("reference"));
  unsetenv("WEFT_CONV");
}

TEST_CASE("bias gradient sums over pixels", "[conv]") {
  std::vector<float> dy(2 * 5000), db(2);
  for (std::size_t i = 0; i < 5000; ++i) dy[2 * i] = 1, dy[2 * i + 1] = static_cast<float>(i);
  conv_bias_gradient(5000, 2, dy.data(), db.data());
  CHECK(db == std::vector<float>{5000, 4999 * 5000 / 2});
}
