#pragma once
// The loop over the elements of one tensor.

#include "core/parallel.h"
#include "core/tensor.h"

namespace weft {

/// y[i] = f(x[i])
template <class F>
Tensor map_elements(const char* op, const Tensor& x, F&& f) {
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  dispatch_float(x.dtype(), op, [&](auto zero) {
    using T = decltype(zero);
    const T* px = x.data<T>();
    T* py = y.mutable_data<T>();
    parallel_chunks(x.count(), elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) py[i] = f(px[i]);
    });
  });
  return y;
}

}  // namespace weft
