#pragma once
// The loop over the elements of one tensor.

#include "core/parallel.h"
#include "core/tensor.h"

namespace weft {

/// y of x's shape and type, from f(x + i, count, y + i), which computes `count` elements of it.
template <class F>
Tensor map_runs(const char* op, const Tensor& x, F&& f) {
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  dispatch_float(x.dtype(), op, [&](auto zero) {
    using T = decltype(zero);
    const T* px = x.data<T>();
    T* py = y.mutable_data<T>();
    parallel_chunks(x.count(), elementwise_grain,
                    [&](std::int64_t begin, std::int64_t end) { f(px + begin, end - begin, py + begin); });
  });
  return y;
}

/// y[i] = f(x[i])
template <class F>
Tensor map_elements(const char* op, const Tensor& x, F&& f) {
  return map_runs(op, x, [&](const auto* from, std::int64_t count, auto* to) {
    for (std::int64_t i = 0; i < count; ++i) to[i] = f(from[i]);
  });
}

}  // namespace weft
