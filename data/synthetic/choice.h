#pragma once
// Random choices, in the types that drawing uses.

#include <cstddef>

#include "core/random.h"

namespace weft::synthetic {

/// Uniform in [low, high).
inline float uniform(Random& random, double low, double high) { return static_cast<float>(random.uniform(low, high)); }

/// One of the items, each as likely; one that shall come up more often is listed more often.
template <class T, std::size_t n>
const T& pick(Random& random, const T (&items)[n]) {
  return items[random.below(n)];
}

}  // namespace weft::synthetic
