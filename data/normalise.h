#pragma once

#include <array>
#include <span>

#include "data/image.h"

namespace weft {

/// (v / 255 - mean) / deviation for each channel of an RGB picture. The default is ImageNet's, which the encoders'
/// weights were trained with.
struct Normalisation {
  std::array<float, 3> mean{0.485f, 0.456f, 0.406f};
  std::array<float, 3> deviation{0.229f, 0.224f, 0.225f};
  bool operator==(const Normalisation&) const = default;
};

/// Writes the picture's values, normalised, in the order [H, W, 3]. Throws Error unless the picture has 3 channels and
/// `out` as many values as it.
void normalise(const Image& picture, const Normalisation& normalisation, std::span<float> out);

}  // namespace weft
