#pragma once

#include <cmath>

namespace weft {

/// 1 / (1 + exp(-x)), written so that exp never overflows.
template <class T>
T sigmoid_value(T x) {
  const T e = std::exp(-std::abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

}  // namespace weft
