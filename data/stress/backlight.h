#pragma once

#include "data/image.h"

namespace weft {

/// A light behind the subject: the camera exposes for the light, so the scene is dark, and the lens scatters some of
/// the light over the whole picture (veiling glare), most of it near the light:
///
///   L' = exposure L + veil (1/3 + 2/3 exp(-d^2 / (2 r^2)))        d: distance from the light, r: 0.4 of the longer side
///
/// The veil takes contrast from the shadows first, which no later brightening gives back after 8 bits.
struct Backlight {
  double exposure = 1;   // of the scene
  double veil = 0;       // linear light at the light's place
  double x = 0.5, y = 0; // the light, in shares of the picture's width and height
};

Image apply_backlight(const Image& picture, const Backlight& backlight);

}  // namespace weft
