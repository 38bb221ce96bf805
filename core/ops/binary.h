#pragma once
// Loops over the elements of two tensors that broadcast: add, subtract, mul and the gradients of most activations.

#include "core/broadcast.h"
#include "core/parallel.h"

namespace weft {

/// y[i] = f(a[i], b[i]), broadcast.
template <class F>
Tensor map_broadcast(const char* op, const Tensor& a, const Tensor& b, F&& f) {
  check_same_dtype(op, {a, b});
  Tensor y = Tensor::empty(broadcast_shape(op, a.shape(), b.shape()), a.dtype());
  dispatch_float(a.dtype(), op, [&](auto zero) {
    using T = decltype(zero);
    const T* pa = a.data<T>();
    const T* pb = b.data<T>();
    T* py = y.mutable_data<T>();
    if (a.shape() == b.shape()) {
      parallel_chunks(y.count(), elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) py[i] = f(pa[i], pb[i]);
      });
    } else {
      for_each_broadcast(y.shape(), a.shape(), b.shape(),
                         [&](std::int64_t i, std::int64_t ja, std::int64_t jb) { py[i] = f(pa[ja], pb[jb]); });
    }
  });
  return y;
}

}  // namespace weft
