#pragma once
// Sums over many elements that don't depend on the thread count.

#include <array>
#include <vector>

#include "core/parallel.h"

namespace weft {

/// Sums in double of K quantities over [0, count): add(begin, end, sums) adds the share of elements [begin, end) to
/// sums. Each chunk of fixed length has its own partial sums; these are added in order.
template <std::size_t K, class Add>
std::array<double, K> sum_chunks(std::int64_t count, Add&& add) {
  const std::int64_t chunks = (count + elementwise_grain - 1) / elementwise_grain;
  std::vector<std::array<double, K>> partial(static_cast<std::size_t>(chunks), std::array<double, K>{});
  parallel_chunks(count, elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
    std::array<double, K> sums{};
    add(begin, end, sums);
    partial[static_cast<std::size_t>(begin / elementwise_grain)] = sums;
  });
  std::array<double, K> total{};
  for (const auto& sums : partial) {
    for (std::size_t k = 0; k < K; ++k) total[k] += sums[k];
  }
  return total;
}

}  // namespace weft
