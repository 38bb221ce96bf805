#pragma once

#include "core/random.h"
#include "data/image.h"

namespace weft::test {

/// RGB, each sample drawn on its own; the same for the same seed.
inline Image noise(int width, int height, std::uint64_t seed = 3) {
  Image picture(width, height, 3);
  Random draw(seed);
  for (std::uint8_t& v : picture.pixels) v = static_cast<std::uint8_t>(draw.below(256));
  return picture;
}

}  // namespace weft::test
