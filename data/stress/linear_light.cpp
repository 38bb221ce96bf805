#include "data/stress/linear_light.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace weft {
namespace {

// Entries of the table from light to value. Where the curve is steepest (12.92) one entry is 0.05 of a level.
constexpr int steps = 1 << 16;

std::array<float, 256> light_of_values() {
  std::array<float, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    const double v = static_cast<double>(i) / 255;
    table[i] = static_cast<float>(v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4));
  }
  return table;
}

std::vector<std::uint8_t> values_of_light() {
  std::vector<std::uint8_t> table(steps + 1);
  for (std::size_t i = 0; i < table.size(); ++i) {
    const double light = static_cast<double>(i) / steps;
    const double v = light <= 0.0031308 ? 12.92 * light : 1.055 * std::pow(light, 1 / 2.4) - 0.055;
    table[i] = static_cast<std::uint8_t>(std::lround(255 * v));
  }
  return table;
}

}  // namespace

float linear_light(std::uint8_t value) {
  static const auto table = light_of_values();
  return table[value];
}

std::uint8_t srgb_value(float light) {
  static const auto table = values_of_light();
  return table[static_cast<std::size_t>(std::clamp(light, 0.0f, 1.0f) * steps + 0.5f)];
}

std::vector<float> linear_light(const Image& picture) {
  std::vector<float> light(picture.pixels.size());
  std::transform(picture.pixels.begin(), picture.pixels.end(), light.begin(),
                 [](std::uint8_t v) { return linear_light(v); });
  return light;
}

}  // namespace weft
