#pragma once
// From light to bytes: what happens between a scene and a photograph.

#include "core/random.h"
#include "data/image.h"
#include "data/synthetic/raster.h"
#include "data/synthetic/setting.h"

namespace weft::synthetic {

/// The camera's and the air's part in a picture.
struct Exposure {
  float stops = 0;         ///< over or under what a light meter would choose
  float vignette = 0.15f;  ///< loss of light in the corners
  float glow = 0.04f;      ///< share of light scattered in the lens
  float veil = 0;          ///< flare of a sun that shines into the lens
  Vec2 veil_from;          ///< where it stands, as a share of the picture
  Colour veil_colour;
  float softness = 0.3f;  ///< lens blur, pixels per 256 of the height
  float noise = 0.01f;
  Colour balance{1, 1, 1};
  float contrast = 1, saturation = 1;
  std::uint32_t seed = 0;
};
Exposure random_exposure(Random& random, const Setting& setting);

/// Exposes, tones and quantises.
Image develop(Raster light, const Exposure& exposure);

}  // namespace weft::synthetic
