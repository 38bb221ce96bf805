#include "data/stress/sensor.h"

#include <cmath>

#include "data/stress/linear_light.h"

namespace weft {

Image expose(const Image& picture, const Sensor& s, Random& random) {
  Image out = picture;
  const double read_variance = s.read_noise * s.read_noise;
  for (std::uint8_t& value : out.pixels) {
    const double mean = s.exposure * s.electrons * static_cast<double>(linear_light(value));
    const double counted = mean + std::sqrt(mean + read_variance) * random.normal();
    value = srgb_value(static_cast<float>(counted / s.electrons));
  }
  return out;
}

}  // namespace weft
