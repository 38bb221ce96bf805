// The vector sigmoid and softplus against the same in double.

#include "core/kernels/sigmoid.h"

#include <cmath>

#include "tests/core/kernels/kernel_testing.h"

using namespace weft;
using namespace weft::kernels;
using namespace weft::test;

namespace {

/// Logits of all sizes and both signs, with the whole numbers of ln 2 and their halves, where exp changes its pieces.
std::vector<float> logits() {
  std::vector<float> z = {0.0f, -0.0f, 1e-30f, -1e-30f, 1e-6f, -1e-6f};
  for (int step = -860; step <= 860; ++step) z.push_back(static_cast<float>(step) * 0.1f + 1e-3f);
  for (int k = -240; k <= 240; ++k) z.push_back(static_cast<float>(k * 0.5 * std::log(2.0)));
  return z;
}

using Function = void (*)(const float*, std::int64_t, float*);
using Exact = void (*)(const double*, std::int64_t, double*);

/// The largest difference, relative to the result, over all logits.
double worst_error(Function function, Exact exact) {
  const std::vector<float> z = logits();
  std::vector<float> y(z.size());
  function(z.data(), std::ssize(z), y.data());
  double worst = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    const double wide = z[i];
    double expected = 0;
    exact(&wide, 1, &expected);
    worst = std::max(worst, std::abs(static_cast<double>(y[i]) - expected) / expected);
  }
  return worst;
}

}  // namespace

TEST_CASE("vector sigmoid and softplus are those of double precision", "[sigmoid]") {
  for_each_isa([] {
    CHECK(worst_error(sigmoid, reference::sigmoid<double>) < 3e-7);
    CHECK(worst_error(softplus_tail, reference::softplus_tail<double>) < 3e-7);
  });
}

TEST_CASE("vector sigmoid and softplus at the ends of the range", "[sigmoid]") {
  const float inf = INFINITY;
  GuardedBuffer z(7);
  const std::vector<float> values = {inf, -inf, 1e4f, -1e4f, 100, -100, NAN};
  std::copy(values.begin(), values.end(), z.data());
  for_each_isa([&] {
    GuardedBuffer p(7), tail(7);
    sigmoid(z.data(), 7, p.data());
    softplus_tail(z.data(), 7, tail.data());
    const std::vector<float> expected = {1, 0, 1, 0, 1, 0};
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CHECK(p.content()[i] == expected[i]);
      CHECK(tail.content()[i] == 0);
    }
    CHECK(std::isnan(p.content()[6]));
    CHECK(std::isnan(tail.content()[6]));
    CHECK((p.is_guard_intact() && tail.is_guard_intact()));
  });
}

TEST_CASE("vector sigmoid writes as many numbers as it was asked for", "[sigmoid]") {
  for (std::int64_t count = 0; count <= 40; ++count) {
    GuardedBuffer z = fractions(count, 1), expected(count);
    reference::sigmoid<float>(z.data(), count, expected.data());
    for_each_isa([&] {
      GuardedBuffer p(count);
      sigmoid(z.data(), count, p.data());
      for (std::int64_t i = 0; i < count; ++i) CHECK(p.data()[i] == Approx(expected.data()[i]).epsilon(1e-6));
      CHECK(p.is_guard_intact());
    });
  }
}
