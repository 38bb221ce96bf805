#pragma once
// Operations on the elements of one tensor.

#include "core/operation.h"
#include "core/parallel.h"

namespace weft {

/// y of x's shape and type as the operation `name`, from f(x + i, count, y + i), which computes `count` elements of it.
template <class F>
Tensor map_runs(const char* name, const Tensor& x, F f, std::vector<Attribute> attributes = {}) {
  WEFT_CHECK(x.dtype() == DType::f32 || x.dtype() == DType::f64, "[{}] expected float32 or float64, got {}", name,
             dtype_name(x.dtype()));
  const auto run = [name, f](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), name, [&](auto zero) {
      using T = decltype(zero);
      const T* from = in[0].data<T>();
      T* to = out[0].mutable_data<T>();
      parallel_chunks(in[0].count(), elementwise_grain,
                      [&](std::int64_t begin, std::int64_t end) { f(from + begin, end - begin, to + begin); });
    });
  };
  return apply({.name = name, .run = run, .attributes = std::move(attributes), .may_overwrite = 0}, {x}, type_of(x));
}

/// y[i] = f(x[i])
template <class F>
Tensor map_elements(const char* name, const Tensor& x, F f, std::vector<Attribute> attributes = {}) {
  return map_runs(
      name, x,
      [f](const auto* from, std::int64_t count, auto* to) {
        for (std::int64_t i = 0; i < count; ++i) to[i] = f(from[i]);
      },
      std::move(attributes));
}

}  // namespace weft
