#pragma once
// The sRGB curve (IEC 61966-2-1). Exposure, glare, blur and the noise of photons add in linear light; files hold
//
//   v = 12.92 L                      L <= 0.0031308
//   v = 1.055 L^(1/2.4) - 0.055      above

#include <cstdint>
#include <vector>

#include "data/image.h"

namespace weft {

/// Linear light of an 8-bit value: 0 for 0, 1 for 255.
float linear_light(std::uint8_t value);
/// The nearest 8-bit value; light outside [0, 1] is clipped, as a sensor and a file do.
std::uint8_t srgb_value(float light);

/// All samples of a picture.
std::vector<float> linear_light(const Image& picture);

}  // namespace weft
