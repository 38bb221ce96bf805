#pragma once
// Operations on the elements of two tensors that broadcast: add, multiply, and the gradients of most activations.

#include <algorithm>

#include "core/broadcast.h"
#include "core/operation.h"
#include "core/parallel.h"

namespace weft {

/// y[i] = f(a[i], b[i]), broadcast, as the operation `name`.
template <class F>
Tensor map_broadcast(const char* name, const Tensor& a, const Tensor& b, F f, std::vector<Attribute> attributes = {}) {
  check_same_dtype(name, {a, b});
  const auto run = [name, f](const Tensors& in, const Tensors& out) {
    dispatch_float(out[0].dtype(), name, [&](auto zero) {
      using T = decltype(zero);
      const T *pa = in[0].data<T>(), *pb = in[1].data<T>();
      T* py = out[0].mutable_data<T>();
      if (in[0].shape() == in[1].shape()) {
        parallel_chunks(out[0].count(), elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i) py[i] = f(pa[i], pb[i]);
        });
      } else {
        const BroadcastRows rows(out[0].shape(), in[0].shape(), in[1].shape());
        parallel_chunks(rows.count(), std::max<std::int64_t>(1, elementwise_grain / rows.length()),
                        [&](std::int64_t begin, std::int64_t end) {
                          RowReader<T> row_a(rows.a(), pa), row_b(rows.b(), pb);
                          rows.for_rows(begin, end,
                                        [&](std::int64_t i, std::int64_t n, std::int64_t ja, std::int64_t jb) {
                                          const T *ra = row_a.at(ja), *rb = row_b.at(jb);
                                          T* y = py + i;
                                          for (std::int64_t k = 0; k < n; ++k) y[k] = f(ra[k], rb[k]);
                                        });
                        });
      }
    });
  };
  const Shape shape = broadcast_shape(name, a.shape(), b.shape());
  return apply({.name = name,
                .run = run,
                .attributes = std::move(attributes),
                .may_overwrite = shape == a.shape()   ? 0
                                 : shape == b.shape() ? 1
                                                      : -1},
               {a, b}, TensorType{shape, a.dtype()});
}

}  // namespace weft
