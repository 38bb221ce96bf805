#include "train/bootstrap.h"

#include <cmath>
#include <vector>

#include "core/check.h"
#include "core/random.h"
#include "tests/catch.h"

using namespace weft;

TEST_CASE("the paired bootstrap tells a difference from luck", "[train]") {
  // Pictures from easy to hard; b is 0.01 better, give or take 0.02: far less than they differ among themselves.
  Random random(3);
  std::vector<double> a, b;
  double mean = 0, square = 0;
  constexpr std::size_t n = 200;
  for (std::size_t i = 0; i < n; ++i) {
    a.push_back(0.2 + 0.7 * static_cast<double>(i) / n);
    const double d = 0.01 + 0.02 * random.normal();
    b.push_back(a[i] + d);
    mean += d / n;
    square += d * d / n;
  }
  const PairedDifference found = paired_bootstrap(a, b);
  CHECK(found.mean == Approx(mean));
  // For so many pictures the means of the draws are normal: 1.96 standard errors on either side.
  const double error = std::sqrt((square - mean * mean) / n);
  CHECK(found.low == Approx(mean - 1.96 * error).margin(0.1 * error));
  CHECK(found.high == Approx(mean + 1.96 * error).margin(0.1 * error));
  CHECK(found.share_better > 0.999);

  const PairedDifference back = paired_bootstrap(b, a);
  CHECK(back.mean == Approx(-found.mean));
  CHECK(back.share_better < 0.001);
  CHECK(paired_bootstrap(a, b).low == found.low);
  CHECK(paired_bootstrap(a, b, 1).low != found.low);

  const PairedDifference none = paired_bootstrap(a, a);
  CHECK(none.low == 0);
  CHECK(none.high == 0);
  CHECK(none.share_better == 0.5);
  CHECK_THROWS_WITH(paired_bootstrap(a, std::vector<double>{1}), Contains("200, 1"));
}
