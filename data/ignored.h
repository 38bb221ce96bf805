#pragma once
// Pixels of a mask of which nobody said what they are: the border that annotators leave around an object, what lies
// outside the region of interest. Their label (VOC's and Cityscapes' 255) is marked "ignore" in the label map. They
// pull at no weight and count in no figure.

#include <algorithm>
#include <cstdint>

#include "data/image.h"

namespace weft {

/// The value of such a pixel in a mask that is 1 where clothing is and 0 elsewhere.
inline constexpr std::uint8_t ignored_pixel = 255;

inline bool has_ignored(const Image& mask) {
  return std::find(mask.pixels.begin(), mask.pixels.end(), ignored_pixel) != mask.pixels.end();
}

/// `mask` with 0 where `truth`, a mask of the same size, is ignored.
inline Image without_ignored(Image mask, const Image& truth) {
  for (std::size_t i = 0; i < mask.pixels.size(); ++i) {
    if (truth.pixels[i] == ignored_pixel) mask.pixels[i] = 0;
  }
  return mask;
}

}  // namespace weft
