#pragma once

#include "core/random.h"
#include "data/image.h"

namespace weft {

/// What a sensor makes of a scene. With E electrons at full scale, a light L at exposure e is
///
///   n ~ Poisson(e E L) + Normal(0, read^2),    L' = n / E,    then the sRGB curve and 8 bits.
///
/// Fewer photons (e down) make the picture dark and noisy; a smaller E at e = 1, a high ISO setting, only noisy.
struct Sensor {
  double exposure = 1;
  double electrons = 4000;   // at full scale
  double read_noise = 4;     // electrons
};

/// The picture as that sensor would have taken it. Shot noise is drawn as a normal of the same variance, which the
/// rounding to 8 bits hides for all but a few electrons. Channels are independent, as in a sensor's mosaic.
Image expose(const Image& picture, const Sensor& sensor, Random& random);

}  // namespace weft
