#pragma once
// sigmoid and softplus_tail of many logits, on the calling thread. core/kernels/reference/sigmoid.h defines both;
// floats go to the vector kernels, which differ from it by less than 3e-7 of the result, and are 0 where exp(-|z|) is
// below the normal floats (|z| > 87.3).

#include <algorithm>

#include "core/kernels/reference/sigmoid.h"

namespace weft::kernels {

using reference::sigmoid;
using reference::softplus_tail;

void sigmoid(const float* z, std::int64_t count, float* p);

void softplus_tail(const float* z, std::int64_t count, float* tail);

/// Calls body(i, y) for i in [begin, end), where map(z + i, n, y...) computes some y at a time.
template <class T, class Map, class Body>
void for_each_mapped(const T* z, std::int64_t begin, std::int64_t end, Map&& map, Body&& body) {
  constexpr std::int64_t block = 256;  // a kilobyte of floats: they stay in L1
  T y[block];
  for (std::int64_t first = begin; first < end; first += block) {
    const std::int64_t count = std::min(block, end - first);
    map(z + first, count, y);
    for (std::int64_t i = 0; i < count; ++i) body(first + i, y[i]);
  }
}

/// Calls body(i, sigmoid(z[i])) for i in [begin, end).
template <class T, class Body>
void for_each_sigmoid(const T* z, std::int64_t begin, std::int64_t end, Body&& body) {
  for_each_mapped(
      z, begin, end, [](const T* from, std::int64_t count, T* p) { sigmoid(from, count, p); }, body);
}

/// Calls body(i, softplus_tail(z[i])) for i in [begin, end).
template <class T, class Body>
void for_each_softplus_tail(const T* z, std::int64_t begin, std::int64_t end, Body&& body) {
  for_each_mapped(
      z, begin, end, [](const T* from, std::int64_t count, T* tail) { softplus_tail(from, count, tail); }, body);
}

}  // namespace weft::kernels
