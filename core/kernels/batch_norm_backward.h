#pragma once

#include <cstdint>

#include "core/kernels/clamp.h"

namespace weft::kernels {

/// What the gradients of y = act(x factor + offset + r) are made from; per-channel arrays have `channels` elements.
template <class T>
struct BatchNormBackward {
  std::int64_t rows, channels;
  const T* x;                // [rows, channels]
  const T* y;                // the same, or null where there is no residual r: then y is computed again from x
  const T* dy;               // the same
  const T *mean, *inv_std;   // inv_std = 1 / sqrt(var + eps)
  const T *factor, *offset;  // factor = gamma inv_std, offset = beta - mean factor
  Clamp clamp;
};

}  // namespace weft::kernels
