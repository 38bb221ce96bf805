// Y = A B          dL/dA = dL/dY B',  dL/dB = A' dL/dY
//
// Eigen multiplies; only a classifier's last layer comes here. Tasks are blocks of rows of the result, cut by its
// shape, and Eigen runs each of them on one thread (EIGEN_DONT_PARALLELIZE in the build).

#include <Eigen/Core>

#include "core/autograd.h"
#include "core/operation.h"
#include "core/ops.h"
#include "core/parallel.h"

namespace weft {
namespace {

template <class T>
using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class T>
Eigen::Map<const RowMajor<T>> matrix(const Tensor& t) {
  return {t.data<T>(), static_cast<Eigen::Index>(t.size(0)), static_cast<Eigen::Index>(t.size(1))};
}

/// y = a b, a and b being matrices or transposes of them.
template <class T, class A, class B>
void multiply(const A& a, const B& b, const Tensor& y) {
  Eigen::Map<RowMajor<T>> result(y.mutable_data<T>(), static_cast<Eigen::Index>(y.size(0)),
                                 static_cast<Eigen::Index>(y.size(1)));
  constexpr std::int64_t rows_per_task = 64;
  parallel_chunks(y.size(0), rows_per_task, [&](std::int64_t begin, std::int64_t end) {
    result.middleRows(begin, end - begin).noalias() = a.middleRows(begin, end - begin) * b;
  });
}

/// a b, a' b or a b'.
Tensor product(const Tensor& a, const Tensor& b, bool transposes_a, bool transposes_b) {
  const auto run = [transposes_a, transposes_b](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), "matmul", [&](auto zero) {
      using T = decltype(zero);
      if (transposes_a) {
        multiply<T>(matrix<T>(in[0]).transpose(), matrix<T>(in[1]), out[0]);
      } else if (transposes_b) {
        multiply<T>(matrix<T>(in[0]), matrix<T>(in[1]).transpose(), out[0]);
      } else {
        multiply<T>(matrix<T>(in[0]), matrix<T>(in[1]), out[0]);
      }
    });
  };
  std::vector<Attribute> attributes;
  if (transposes_a) attributes.push_back({"transpose_a", 1});
  if (transposes_b) attributes.push_back({"transpose_b", 1});
  return apply({.name = "matmul", .run = run, .attributes = attributes}, {a, b},
               TensorType{{a.size(transposes_a ? 1 : 0), b.size(transposes_b ? 0 : 1)}, a.dtype()});
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  check_same_dtype("matmul", {a, b});
  WEFT_CHECK(a.rank() == 2 && b.rank() == 2 && a.size(1) == b.size(0),
             "[matmul] expected [M, K] and [K, N], got {} and {}", a.shape(), b.shape());
  const bool need_a = a.requires_grad(), need_b = b.requires_grad();
  return record(product(a, b, false, false), "matmul", {a, b},
                [a = Saved(a), b = Saved(b), need_a, need_b](const Tensor& dy) {
                  return Gradients{need_a ? product(dy, b.get(), false, true) : Tensor(),
                                   need_b ? product(a.get(), dy, true, false) : Tensor()};
                });
}

}  // namespace weft
