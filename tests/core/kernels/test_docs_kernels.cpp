// Answers to the exercises of docs/kernels.md.

#include <cmath>

#include "core/kernels/batch_norm.h"
#include "core/kernels/conv_grids.h"
#include "tests/core/kernels/kernel_testing.h"

using namespace weft;
using namespace weft::kernels;
using namespace weft::test;

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
