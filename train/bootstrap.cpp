#include "train/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/check.h"
#include "core/random.h"

namespace weft {

PairedDifference paired_bootstrap(std::span<const double> a, std::span<const double> b, std::uint64_t seed,
                                  std::size_t draws) {
  WEFT_CHECK(a.size() == b.size() && !a.empty() && draws > 0,
             "[paired_bootstrap] expected as many scores of both, and a draw, got {}, {} and {} draws", a.size(),
             b.size(), draws);
  const std::size_t n = a.size();
  std::vector<double> differences(n);
  PairedDifference result;
  for (std::size_t i = 0; i < n; ++i) {
    differences[i] = b[i] - a[i];
    result.mean += differences[i] / static_cast<double>(n);
  }

  Random random(seed, {hash_text("paired bootstrap")});
  std::vector<double> means(draws);
  for (double& mean : means) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += differences[random.below(n)];
    mean = sum / static_cast<double>(n);
    result.share_better += mean > 0 ? 1 : mean == 0 ? 0.5 : 0;
  }
  result.share_better /= static_cast<double>(draws);
  std::sort(means.begin(), means.end());
  const auto quantile = [&](double q) {
    return means[static_cast<std::size_t>(std::llround(q * static_cast<double>(draws - 1)))];
  };
  result.low = quantile(0.025);
  result.high = quantile(0.975);
  return result;
}

}  // namespace weft
