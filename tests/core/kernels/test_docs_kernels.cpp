// The example of docs/kernels.md, line for line, and the answers to its exercises.

#include <cmath>

#include "core/kernels/batch_norm.h"
#include "core/kernels/conv_grids.h"
#include "tests/core/kernels/kernel_testing.h"
#include "tests/docs_blocks.h"

using namespace weft;
using namespace weft::kernels;
using namespace weft::test;

// clang-format off

TEST_CASE("docs/kernels.md: Winograd's matrices make a convolution", "[docs]") {
  const double a = std::sqrt(0.5), b = std::sqrt(2.0);
  const double A[4][6] = {{1, 1, 1, 1, 1, 0},  // A': powers of the points
                          {0, a, -a, b, -b, 0},
                          {0, 1. / 2, 1. / 2, 2, 2, 0},
                          {0, a / 2, -a / 2, 2 * b, -2 * b, 1}};
  const double G[6][3] = {{1, 0, 0},  // the filter's values, over the products of the points' distances
                          {-2. / 3, -2. / 3 * a, -1. / 3},
                          {-2. / 3, 2. / 3 * a, -1. / 3},
                          {1. / 6, b / 6, 1. / 3},
                          {1. / 6, -b / 6, 1. / 3},
                          {0, 0, 1}};
  const double B[6][6] = {{1, 0, -5. / 2, 0, 1, 0},  // B': coefficients of q / (z - p), q = z (z^2 - 1/2) (z^2 - 2)
                          {0, -2 * a, -2, a, 1, 0},
                          {0, 2 * a, -2, -a, 1, 0},
                          {0, -b / 2, -1. / 2, b, 1, 0},
                          {0, b / 2, -1. / 2, -b, 1, 0},
                          {0, 1, 0, -5. / 2, 0, 1}};

  // y[i] = sum over r of g[r] d[i + r], for each single input and tap: a sum over the six products.
  for (int i = 0; i < 4; ++i) {
    for (int r = 0; r < 3; ++r) {
      for (int k = 0; k < 6; ++k) {
        double sum = 0;
        for (int p = 0; p < 6; ++p) sum += A[i][p] * G[p][r] * B[p][k];
        CHECK(sum == Approx(k == i + r ? 1 : 0).margin(1e-14));
      }
    }
  }
}

// clang-format on

TEST_CASE("docs/kernels.md: its example is the one above", "[docs]") {
  check_examples("docs/kernels.md", "tests/core/kernels/test_docs_kernels.cpp");
}

TEST_CASE("kernels, exercise 1: a 2x2 kernel with stride 2 gives each phase one tap", "[docs]") {
  ConvProblem p;
  p.h = p.w = 6, p.kernel_h = p.kernel_w = 2, p.stride_h = p.stride_w = 2;
  const auto phases = input_gradient_grids(p);
  REQUIRE(phases.size() == 4);
  // Four 1x1 convolutions, each writing every second row and column: pixels never overlap.
  for (std::size_t k = 0; k < 4; ++k) {
    REQUIRE(phases[k].taps.size() == 1);
    CHECK(phases[k].taps[0].row == 0);
    CHECK(phases[k].taps[0].col == 0);
    CHECK(phases[k].taps[0].weight == static_cast<std::int64_t>(k));
  }
}

TEST_CASE("kernels, exercise 2: each element of the kernel belongs to exactly one phase", "[docs]") {
  for (std::int64_t stride : {1, 2, 3}) {
    ConvProblem p;
    p.h = p.w = 12, p.kernel_h = 3, p.kernel_w = 5, p.padding_h = p.padding_w = 1, p.stride_h = p.stride_w = stride;
    std::size_t taps = 0;
    for (const GridWithTaps& phase : input_gradient_grids(p)) taps += phase.taps.size();
    CHECK(taps == 15);
  }
}

TEST_CASE("kernels, exercise 3: the mean of squares minus the squared mean has no digit left", "[docs]") {
  constexpr std::int64_t rows = 1000, channels = 64;
  GuardedBuffer x = fractions(rows * channels, 9);
  for (std::int64_t i = 0; i < rows * channels; ++i) x.data()[i] += 4096;
  float sum = 0, squares = 0, mean[channels], var[channels];
  for (std::int64_t r = 0; r < rows; ++r) {
    const float value = x.data()[r * channels];
    sum += value;
    squares += value * value;
  }
  const float naive = squares / rows - (sum / rows) * (sum / rows);
  batch_norm_statistics(x.data(), rows, channels, mean, var);
  CHECK(var[0] == Approx(1.0 / 3).epsilon(0.1));  // uniform on [-1, 1)
  CHECK(std::abs(naive - var[0]) > var[0]);
}
