// y = the smaller of a and b          dL/da = dL/dy where a < b, half of it where a = b, else 0; dL/db likewise
//
// Half where they are equal, as in PyTorch: neither side is preferred, and the two shares add up to dL/dy.
// NaN, on either side, stays NaN.

#include <cmath>

#include "core/autograd.h"
#include "core/ops.h"
#include "core/ops/binary.h"
namespace weft {

namespace {

/// 1 where u wins, 1/2 where neither does, 0 where v wins.
Tensor share_of(const Tensor& a, const Tensor& b) {
  return map_broadcast("minimum_share", a, b, [](auto u, auto v) {
    using T = decltype(u);
    return u < v ? T(1) : u == v ? T(0.5) : T(0);
  });
}

}  // namespace

Tensor minimum(const Tensor& a, const Tensor& b) {
  const Tensor y = map_broadcast("minimum", a, b, [](auto u, auto v) { return u < v || std::isnan(u) ? u : v; });
  return record(y, "minimum", {a, b}, [a = Saved(a), b = Saved(b)](const Tensor& dy) {
    return Gradients{sum_to_shape(multiply(dy, share_of(a.get(), b.get())), a->shape()),
                     sum_to_shape(multiply(dy, share_of(b.get(), a.get())), b->shape())};
  });
}

}  // namespace weft
