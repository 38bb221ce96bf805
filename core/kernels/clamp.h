#pragma once
// What may follow a convolution or a batch norm within the same pass: a clamp, y = min(max(v, lower), upper). ReLU is
// the clamp from 0 on, ReLU6 the one between 0 and 6, and without bounds it is nothing at all. Whoever takes a Clamp
// does right by any two bounds; an activation that is no clamp can't be said in this type.

#include <limits>

namespace weft {

struct Clamp {
  float lower = -std::numeric_limits<float>::infinity();
  float upper = std::numeric_limits<float>::infinity();
};

constexpr Clamp no_clamp{}, relu_clamp{.lower = 0}, relu6_clamp{.lower = 0, .upper = 6};

/// False where nothing is bounded.
constexpr bool clips(Clamp clamp) { return clamp.lower != no_clamp.lower || clamp.upper != no_clamp.upper; }

namespace kernels {

/// NaN stays NaN.
template <class T>
T clamped(T v, Clamp clamp) {
  if (v < static_cast<T>(clamp.lower)) return static_cast<T>(clamp.lower);
  return v > static_cast<T>(clamp.upper) ? static_cast<T>(clamp.upper) : v;
}

/// The slope, told from the clamp's output y: 1 where it passed its input on, 0 where it clipped. At a bound it is 0, as
/// ReLU's is at 0.
template <class T>
T clamp_slope(T y, Clamp clamp) {
  return y > static_cast<T>(clamp.lower) && y < static_cast<T>(clamp.upper) ? T{1} : T{0};
}

}  // namespace kernels
}  // namespace weft
