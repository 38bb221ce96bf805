#pragma once
// The logistic function and the softplus beside it, number by number.

#include <cmath>
#include <cstdint>

namespace weft::kernels::reference {

/// p[i] = 1 / (1 + exp(-z[i])), written so that exp never overflows; i in [0, count).
template <class T>
void sigmoid(const T* z, std::int64_t count, T* p) {
  for (std::int64_t i = 0; i < count; ++i) {
    const T e = std::exp(-std::abs(z[i]));
    p[i] = z[i] < 0 ? e / (1 + e) : 1 / (1 + e);
  }
}

/// tail[i] = log(1 + exp(-|z[i]|)): what softplus(z) = log(1 + exp(z)) has beyond max(z, 0).
template <class T>
void softplus_tail(const T* z, std::int64_t count, T* tail) {
  for (std::int64_t i = 0; i < count; ++i) tail[i] = std::log1p(std::exp(-std::abs(z[i])));
}

}  // namespace weft::kernels::reference
