#include "data/stress/backlight.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "data/stress/linear_light.h"

namespace weft {
namespace {

/// exp(-d^2 / (2 r^2)) along one axis; the lobe is the product of two.
std::vector<float> lobe(int size, double centre, double radius) {
  std::vector<float> values(static_cast<std::size_t>(size));
  for (int i = 0; i < size; ++i) {
    const double d = (i + 0.5 - centre * size) / radius;
    values[static_cast<std::size_t>(i)] = static_cast<float>(std::exp(-d * d / 2));
  }
  return values;
}

}  // namespace

Image apply_backlight(const Image& picture, const Backlight& b) {
  const double radius = 0.4 * std::max(picture.width, picture.height);
  const auto across = lobe(picture.width, b.x, radius), down = lobe(picture.height, b.y, radius);
  const auto exposure = static_cast<float>(b.exposure), veil = static_cast<float>(b.veil);
  Image out = picture;
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      const float near = across[static_cast<std::size_t>(x)] * down[static_cast<std::size_t>(y)];
      const float added = veil * (1 + 2 * near) / 3;
      std::uint8_t* pixel = out.at(y, x);
      for (int c = 0; c < out.channels; ++c) pixel[c] = srgb_value(exposure * linear_light(pixel[c]) + added);
    }
  }
  return out;
}

}  // namespace weft
