// Y = A B          dL/dA = dL/dY B',  dL/dB = A' dL/dY
//
// Eigen multiplies; only a classifier's last layer comes here. Tasks are blocks of rows of the result, cut by its
// shape, and Eigen runs each of them on one thread (EIGEN_DONT_PARALLELIZE in the build).

#include <Eigen/Core>

#include "core/autograd.h"
#include "core/ops.h"
#include "core/parallel.h"

namespace weft {
namespace {

template <class T>
using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class T>
Eigen::Map<const RowMajor<T>> matrix(const Tensor& t) {
  return {t.data<T>(), t.size(0), t.size(1)};
}

/// y = a b, a and b being matrices or transposes of them.
template <class T, class A, class B>
void multiply(const A& a, const B& b, const Tensor& y) {
  Eigen::Map<RowMajor<T>> result(y.mutable_data<T>(), y.size(0), y.size(1));
  constexpr std::int64_t rows_per_task = 64;
  parallel_chunks(y.size(0), rows_per_task, [&](std::int64_t begin, std::int64_t end) {
    result.middleRows(begin, end - begin).noalias() = a.middleRows(begin, end - begin) * b;
  });
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  check_same_dtype("matmul", {a, b});
  WEFT_CHECK(a.rank() == 2 && b.rank() == 2 && a.size(1) == b.size(0),
             "[matmul] expected [M, K] and [K, N], got {} and {}", a.shape(), b.shape());
  Tensor y = Tensor::empty({a.size(0), b.size(1)}, a.dtype());
  dispatch_float(a.dtype(), "matmul", [&](auto zero) {
    using T = decltype(zero);
    multiply<T>(matrix<T>(a), matrix<T>(b), y);
  });

  const bool need_a = a.requires_grad(), need_b = b.requires_grad();
  return record(y, "matmul", {a, b}, [a = Saved(a), b = Saved(b), need_a, need_b](const Tensor& dy) {
    Tensor da, db;
    dispatch_float(dy.dtype(), "matmul", [&](auto zero) {
      using T = decltype(zero);
      if (need_a)
        multiply<T>(matrix<T>(dy), matrix<T>(b.get()).transpose(), da = Tensor::empty(a->shape(), dy.dtype()));
      if (need_b)
        multiply<T>(matrix<T>(a.get()).transpose(), matrix<T>(dy), db = Tensor::empty(b->shape(), dy.dtype()));
    });
    return Gradients{da, db};
  });
}

}  // namespace weft
