#pragma once

namespace weft {

/// What may follow a convolution or a batch norm within the same pass.
enum class Activation { none, relu, relu6 };

namespace kernels {

/// relu: max(v, 0); relu6: min(max(v, 0), 6). NaN stays NaN.
template <class T>
T activate(T v, Activation activation) {
  if (activation == Activation::none) return v;
  if (v < T{0}) return T{0};
  return activation == Activation::relu6 && v > T{6} ? T{6} : v;
}

/// The slope, told from the activation's output y: 1 where it passed its input on, 0 where it clipped.
template <class T>
T activation_slope(T y, Activation activation) {
  if (activation == Activation::none) return T{1};
  return y > T{0} && (activation == Activation::relu || y < T{6}) ? T{1} : T{0};
}

}  // namespace kernels
}  // namespace weft
