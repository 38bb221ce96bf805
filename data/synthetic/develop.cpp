#include "data/synthetic/develop.h"

#include "data/synthetic/choice.h"
#include "data/synthetic/noise.h"

namespace weft::synthetic {

namespace {

/// sRGB's transfer curve of a value whose highlights are rolled off instead of clipped: above the knee k,
/// k + (1 - k) (1 - exp(-(x - k) / (1 - k))) has the same slope at k and never exceeds 1.
float tone(float x) {
  constexpr float knee = 0.7f;
  if (x > knee) x = knee + (1 - knee) * (1 - std::exp(-(x - knee) / (1 - knee)));
  return x <= 0.0031308f ? 12.92f * std::max(x, 0.0f) : 1.055f * std::pow(x, 1 / 2.4f) - 0.055f;
}

}  // namespace

Exposure random_exposure(Random& random, const Setting& setting) {
  Exposure e;
  e.stops = uniform(random, -0.2, 0.55);
  e.vignette = uniform(random, 0, 0.35);
  e.glow = uniform(random, 0.01, 0.06);
  e.softness = uniform(random, 0, 0.5);
  e.noise = uniform(random, 0.001, 0.007);
  e.balance = mix(Colour{1.07f, 1, 0.91f}, Colour{0.94f, 1, 1.08f}, uniform(random, 0, 1));
  e.contrast = uniform(random, 1.05, 1.35);
  e.saturation = uniform(random, 0.8, 1.08);
  e.seed = static_cast<std::uint32_t>(random.next());
  if (setting.weather == Weather::dim) {
    e.stops = uniform(random, -1.5, -0.5);
    e.noise = uniform(random, 0.006, 0.016);
  } else if (setting.weather == Weather::backlight) {
    e.veil = uniform(random, 0.05, 0.24);
    e.veil_from = {0.5f + 0.45f * setting.light.to_sun.x, uniform(random, -0.05, 0.25)};
    e.veil_colour = {1.0f, 0.86f, 0.62f};
  } else if (random.chance(0.04)) {  // smoke, a dirty lens
    e.veil = uniform(random, 0.06, 0.16);
    e.veil_from = {0.5f, 0.3f};
    e.veil_colour = {0.85f, 0.88f, 0.92f};
  }
  return e;
}

Image develop(Raster light, const Exposure& e) {
  const float w = static_cast<float>(light.width), h = static_cast<float>(light.height), unit_size = h / 256;
  // The light meter: the mean of log luminance goes two thirds of the way towards middle grey.
  double log_sum = 0;
  for (const Colour& c : light.pixels) log_sum += std::log(0.003 + static_cast<double>(luminance(c)));
  const float mean = static_cast<float>(std::exp(log_sum / static_cast<double>(light.pixels.size())));
  const float gain = std::pow(0.19f / mean, 0.67f) * std::exp2(e.stops);

  const Raster scattered = blurred(light, 9 * unit_size);
  light = blurred(light, e.softness * unit_size);
  Image image(light.width, light.height, 3);
  for (int y = 0; y < light.height; ++y) {
    for (int x = 0; x < light.width; ++x) {
      const Vec2 q{(static_cast<float>(x) + 0.5f) / w, (static_cast<float>(y) + 0.5f) / h};
      Colour c = mix(light.at(x, y), scattered.at(x, y), e.glow) * gain * e.balance;
      const Vec2 corner = (q - Vec2{0.5f, 0.5f}) * 1.41421356f;
      c = c * (1 - e.vignette * dot(corner, corner));
      if (e.veil > 0) {
        const Vec2 d{(q.x - e.veil_from.x) * w / h, q.y - e.veil_from.y};
        c = c * (1 - 0.35f * e.veil) + e.veil_colour * (e.veil * (0.25f + 0.75f * std::exp(-4 * dot(d, d))));
      }
      c = mix(Colour{1, 1, 1} * luminance(c), c, e.saturation);
      // Sensor noise: one part of luminance that grows as the square root of the light, one of colour.
      const float grain = lattice_uniform(x, y, e.seed) + lattice_uniform(x, y, e.seed + 1) - 1;
      std::uint8_t* out = image.at(y, x);
      const float channels[] = {c.x, c.y, c.z};
      for (std::uint32_t k = 0; k < 3; ++k) {
        const float own = lattice_uniform(x, y, e.seed + 2 + k) + lattice_uniform(x, y, e.seed + 5 + k) - 1;
        const float amount = e.noise * (1 + 4 * std::sqrt(std::max(channels[k], 0.0f)));
        const float value = tone(
            std::pow(std::max(channels[k] + amount * (0.7f * grain + 0.6f * own), 0.0f) / 0.18f, e.contrast) * 0.18f);
        out[k] = static_cast<std::uint8_t>(std::lround(255 * clamp01(value)));
      }
    }
  }
  return image;
}

}  // namespace weft::synthetic
