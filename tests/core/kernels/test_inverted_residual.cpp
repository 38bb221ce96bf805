// The fused block against its three convolutions by the textbook loops, in double.

#include "core/kernels/inverted_residual.h"

#include <cmath>

#include "core/kernels/reference/conv2d.h"
#include "tests/core/kernels/kernel_testing.h"

using namespace weft;
using namespace weft::test;
using kernels::ConvProblem;
using kernels::InvertedResidualProblem;

namespace {

InvertedResidualProblem problem(std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c_in, std::int64_t c_mid,
                                std::int64_t c_out, std::int64_t stride, bool has_expansion, bool has_shortcut) {
  return {.n = n,
          .h = h,
          .w = w,
          .c_in = c_in,
          .c_mid = c_mid,
          .c_out = c_out,
          .stride = stride,
          .has_expansion = has_expansion,
          .has_shortcut = has_shortcut};
}
// With and without expansion and shortcut; channels that fill no vector, one, several panels, several chunks; rows
// narrower than a register tile; both strides on odd and even sizes; one band of rows and several. Small images of
// several chunks are split by channels, those of one chunk where threads would have few rows each; the last one has
// several chunks and is never split.
const InvertedResidualProblem problems[] = {
    problem(1, 1, 1, 1, 6, 2, 1, true, false),       problem(1, 1, 1, 3, 18, 5, 2, true, false),
    problem(2, 5, 7, 5, 13, 5, 1, true, true),       problem(1, 2, 9, 16, 96, 24, 2, true, false),
    problem(2, 37, 3, 8, 48, 8, 1, true, true),      problem(1, 35, 10, 24, 144, 24, 1, true, true),
    problem(1, 34, 13, 24, 144, 32, 2, true, false), problem(1, 33, 66, 16, 96, 16, 2, true, false),
    problem(1, 6, 70, 7, 330, 7, 1, true, true),     problem(1, 16, 16, 40, 240, 80, 1, true, false),
    problem(1, 19, 33, 32, 32, 16, 1, false, false), problem(2, 18, 5, 9, 9, 9, 1, false, true),
    problem(1, 20, 21, 70, 70, 70, 2, false, false), problem(1, 129, 5, 8, 48, 8, 1, true, true),
    problem(1, 131, 17, 16, 96, 24, 2, true, false), problem(8, 6, 70, 7, 330, 7, 1, true, true),
    problem(8, 33, 3, 24, 144, 80, 2, true, false),  problem(9, 3, 2, 5, 13, 5, 1, true, true),
    problem(4, 18, 5, 9, 9, 9, 1, false, true),      problem(1, 128, 40, 400, 400, 5, 1, false, false),
    problem(1, 115, 70, 7, 350, 7, 1, true, true),   problem(1, 17, 33, 7, 330, 7, 1, true, true),
};

std::vector<double> doubles(const std::vector<float>& values) { return {values.begin(), values.end()}; }

struct Data {
  explicit Data(const InvertedResidualProblem& p)
      : x(fractions(p.n * p.h * p.w * p.c_in, 1)),
        expand(fractions(p.c_mid * p.c_in, 2)),
        expand_bias(fractions(p.c_mid, 3)),
        depthwise(fractions(p.c_mid * 9, 4)),
        depthwise_bias(fractions(p.c_mid, 5)),
        project(fractions(p.c_out * p.c_mid, 6)),
        project_bias(fractions(p.c_out, 7)) {
    for (std::int64_t i = 0; i < p.n * p.h * p.w * p.c_in; ++i) x.data()[i] *= 4;  // so that both ends of ReLU6 clip
  }

  GuardedBuffer x, expand, expand_bias, depthwise, depthwise_bias, project, project_bias;
};

std::vector<double> reference_conv(const ConvProblem& p, const std::vector<double>& x, GuardedBuffer& w,
                                   GuardedBuffer& bias, Clamp clamp, const double* residual) {
  std::vector<double> y(static_cast<std::size_t>(p.output_count()));
  const std::vector<double> weights = doubles(w.content()), biases = doubles(bias.content());
  kernels::reference::conv2d_forward(p, x.data(), weights.data(), {biases.data(), residual, clamp}, y.data());
  return y;
}

std::vector<double> reference_block(const InvertedResidualProblem& p, Data& data) {
  const std::vector<double> x = doubles(data.x.content());
  const ConvProblem expand{.n = p.n, .h = p.h, .w = p.w, .c_in = p.c_in, .c_out = p.c_mid};
  ConvProblem depthwise{.n = p.n, .h = p.h, .w = p.w, .c_in = p.c_mid, .c_out = p.c_mid, .kernel_h = 3, .kernel_w = 3};
  depthwise.stride_h = depthwise.stride_w = p.stride;
  depthwise.padding_h = depthwise.padding_w = 1;
  depthwise.groups = p.c_mid;
  const ConvProblem project{
      .n = p.n, .h = depthwise.out_h(), .w = depthwise.out_w(), .c_in = p.c_mid, .c_out = p.c_out};
  CHECK(p.out_h() == depthwise.out_h());
  CHECK(p.out_w() == depthwise.out_w());
  std::vector<double> e = x;
  if (p.has_expansion) e = reference_conv(expand, x, data.expand, data.expand_bias, p.expand_clamp, nullptr);
  const auto d = reference_conv(depthwise, e, data.depthwise, data.depthwise_bias, p.depthwise_clamp, nullptr);
  return reference_conv(project, d, data.project, data.project_bias, no_clamp, p.has_shortcut ? x.data() : nullptr);
}

std::vector<float> fused_block(const InvertedResidualProblem& p, Data& data) {
  GuardedBuffer packed(kernels::inverted_residual_packed_floats(p));
  kernels::inverted_residual_pack(p,
                                  {data.expand.data(), data.expand_bias.data(), data.depthwise.data(),
                                   data.depthwise_bias.data(), data.project.data(), data.project_bias.data()},
                                  packed.data());
  GuardedBuffer y(p.n * p.out_h() * p.out_w() * p.c_out);
  kernels::inverted_residual_forward(p, data.x.data(), packed.data(), y.data());
  CHECK(packed.is_guard_intact());
  CHECK(y.is_guard_intact());
  return y.content();
}

}  // namespace

TEST_CASE("the fused inverted residual equals its convolutions, on every instruction set", "[kernels]") {
  const Clamp clamps[] = {relu6_clamp, relu_clamp, no_clamp, {.lower = -1.5f, .upper = 2}};
  std::size_t next = 0;
  for (InvertedResidualProblem p : problems) {
    if (next % 2 == 1) p.expand_clamp = clamps[next / 2 % 4], p.depthwise_clamp = clamps[(next / 2 + 1) % 4];
    ++next;
    INFO(p.h << " x " << p.w << ", " << p.c_in << " -> " << p.c_mid << " -> " << p.c_out << " / " << p.stride);
    Data data(p);
    const std::vector<double> expected = reference_block(p, data);
    double largest = 0;
    for (const double v : expected) largest = std::max(largest, std::abs(v));
    for_each_isa([&] {
      const std::vector<float> actual = fused_block(p, data);
      double error = 0;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        const double difference = std::abs(static_cast<double>(actual[i]) - expected[i]);
        if (!(difference <= error)) error = difference;  // a NaN stays
      }
      CHECK(error <= 3e-6 * largest);
    });
  }
}

TEST_CASE("the fused inverted residual gives the same bits for any number of threads", "[kernels]") {
  for (const InvertedResidualProblem& p : problems) {
    Data data(p);
    for_each_isa([&] { check_thread_independence([&] { return fused_block(p, data); }); });
  }
}

TEST_CASE("multiply-adds of an inverted residual are those of its convolutions", "[kernels]") {
  const InvertedResidualProblem p = problem(1, 4, 4, 2, 12, 3, 2, true, false);
  CHECK(p.multiply_adds() == 4 * 4 * 2 * 12 + 2 * 2 * 12 * 9 + 2 * 2 * 12 * 3);
}
