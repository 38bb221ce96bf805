#pragma once
// An image that a kernel reads, and what has to become of its pixels before it does.
//
// Batch norm needs the statistics of a whole image before it can normalise the first pixel, and the gradient of the
// whole image likewise. As passes of their own, both read all of it and write as much, for the next kernel to read
// again: memory's time, as they hardly compute. A kernel that prepares the pixels that it is about to use, some rows at
// a time, has them in its cache, and nothing is stored.

#include <cstdint>

#include "core/kernels/batch_norm_backward.h"

namespace weft::kernels {

struct PixelSource {
  enum class Kind {
    stored,      // `values` as they lie in memory
    normalised,  // act(x factor + offset) of norm's x
    gradient     // factor dz - shift - stretch (x - mean), the gradient of norm's x; norm's dy is dz (batch_norm.h)
  };
  Kind kind = Kind::stored;
  std::int64_t channels = 0;
  const float* values = nullptr;       // [pixels, channels], of a stored image
  BatchNormBackward<float> norm = {};  // of the others; `normalised` needs x, factor, offset and activation alone
  const float* shift = nullptr;        // [channels], of a gradient
  const float* stretch = nullptr;      // the same
};

inline PixelSource stored_pixels(const float* values, std::int64_t channels) {
  return {.channels = channels, .values = values};
}
inline PixelSource normalised_pixels(const BatchNormBackward<float>& norm) {
  return {.kind = PixelSource::Kind::normalised, .channels = norm.channels, .norm = norm};
}

}  // namespace weft::kernels
