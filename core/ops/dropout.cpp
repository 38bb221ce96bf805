// y[i] = m[i] x[i] / (1 - p)          dL/dx[i] = m[i] dL/dy[i] / (1 - p)
//
// where m[i] is 1 with probability 1 - p, else 0.
//
// Srivastava et al. 2014, in the "inverted" form: the expectation of y is x, so evaluation does nothing at all.
//
// The mask is never stored. One number from `random` names a stream, and each run of elements draws its part of the
// mask from a stream of its own; the backward pass draws the same mask again. So it depends on no thread, and the
// gradient is the very function of the forward pass.

#include "core/autograd.h"
#include "core/ops.h"
#include "core/parallel.h"
#include "core/random.h"

namespace weft {
namespace {

Tensor masked(const Tensor& x, double p, std::uint64_t mask_name) {
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  dispatch_float(x.dtype(), "dropout", [&](auto zero) {
    using T = decltype(zero);
    const T* px = x.data<T>();
    T* py = y.mutable_data<T>();
    const T factor = static_cast<T>(1 / (1 - p));
    parallel_chunks(x.count(), elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
      Random draw(mask_name, {static_cast<std::uint64_t>(begin)});
      for (std::int64_t i = begin; i < end; ++i) py[i] = draw.chance(p) ? T(0) : factor * px[i];
    });
  });
  return y;
}

}  // namespace

Tensor dropout(const Tensor& x, double p, bool training, Random& random) {
  WEFT_CHECK(p >= 0 && p < 1, "[dropout] expected a probability in [0, 1), got {}", p);
  if (!training) return x;
  const std::uint64_t mask_name = random.next();
  return record(masked(x, p, mask_name), "dropout", {x},
                [p, mask_name](const Tensor& dy) { return Gradients{masked(dy, p, mask_name)}; });
}

}  // namespace weft
