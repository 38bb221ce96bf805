#pragma once
// Blur, in linear light: a defocused lens and a moving camera spread photons, not sRGB values, so highlights grow.
// Edges repeat. Lengths are in pixels of the picture.

#include "data/image.h"

namespace weft {

/// A Gaussian of that deviation, for defocus; 0 is the picture.
Image gaussian_blur(const Image& picture, double deviation);

/// The camera moves `length` pixels at `angle` degrees while the shutter is open, at constant speed.
Image motion_blur(const Image& picture, double length, double angle);

}  // namespace weft
