#include "data/degrade.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "data/stress/blur.h"
#include "data/stress/cut_in.h"
#include "data/stress/recompress.h"
#include "data/stress/sensor.h"

namespace weft {
namespace {

/// Uniform in the logarithm: each octave is as likely as the next.
double log_uniform(double low, double high, Random& random) {
  return low * std::pow(high / low, random.uniform());
}

void draw_light(const DegradeOptions& options, Random& random, Degradation& d) {
  const bool happens = random.chance(options.light_probability), is_from_behind = random.chance(0.5);
  const double darker = random.uniform(0.5, 4.5), underexposed = random.uniform(0.3, 2.5);
  const Backlight backlight{std::exp2(-underexposed), random.uniform(0.03, 0.45), random.uniform(0.1, 0.9),
                            random.uniform(-0.1, 0.5)};
  if (!happens) return;
  if (is_from_behind) {
    d.backlight = backlight;
  } else {
    d.exposure = std::exp2(-darker);
    d.electrons = 4000;
  }
}

void draw_blur(const DegradeOptions& options, Random& random, Degradation& d) {
  const bool happens = random.chance(options.blur_probability), moves = random.chance(0.5);
  const double deviation = random.uniform(0.5, 4.5), length = random.uniform(2, 18), angle = random.uniform(0, 180);
  if (!happens) return;
  if (moves) {
    d.motion_length = length;
    d.motion_angle = angle;
  } else {
    d.blur_deviation = deviation;
  }
}

void draw_colours(const DegradeOptions& options, Random& random, Degradation& d) {
  const bool happens = random.chance(options.colour_probability), is_grey = random.chance(0.1);
  const double saturation = random.uniform(0.4, 1.6);
  const std::array<double, 3> gain{random.uniform(0.85, 1.15), random.uniform(0.85, 1.15), random.uniform(0.85, 1.15)};
  if (!happens) return;
  d.saturation = is_grey ? 0 : saturation;
  d.gain = gain;
}

/// v' = gain (grey + saturation (v - grey)), grey = the luma of Rec. 601.
void recolour(Image& picture, double saturation, const std::array<double, 3>& gain) {
  const auto s = static_cast<float>(saturation);
  for (std::size_t i = 0; i < picture.pixels.size(); i += 3) {
    std::uint8_t* v = &picture.pixels[i];
    const float grey = 0.299f * v[0] + 0.587f * v[1] + 0.114f * v[2];
    for (std::size_t c = 0; c < 3; ++c) {
      const float value = static_cast<float>(gain[c]) * (grey + s * (static_cast<float>(v[c]) - grey));
      v[c] = static_cast<std::uint8_t>(std::clamp(value + 0.5f, 0.0f, 255.0f));
    }
  }
}

}  // namespace

Degradation draw_degradation(const DegradeOptions& options, Random& random) {
  Degradation d;
  const bool is_occluded = random.chance(options.occlusion_probability);
  const double share = random.uniform(0.03, 0.2);
  if (is_occluded) d.occluded_share = share;
  draw_light(options, random, d);
  draw_blur(options, random, d);
  const bool is_noisy = random.chance(options.noise_probability);
  const double electrons = log_uniform(30, 1500, random);
  if (is_noisy) d.electrons = std::max(electrons, d.exposure < 1 ? 400.0 : 0.0);  // in the dark, light is left to see by
  draw_colours(options, random, d);
  const bool is_compressed = random.chance(options.jpeg_probability);
  const double quality = log_uniform(8, 60, random);
  if (is_compressed) d.jpeg_quality = static_cast<int>(quality);
  d.stream = random.next();
  return d;
}

void degrade(Image& picture, Image& mask, const Degradation& d) {
  WEFT_CHECK(picture.channels == 3 && mask.channels == 1 && picture.width == mask.width && picture.height == mask.height,
             "[degrade] expected an RGB picture and a mask of one size, got {} x {} with {} channels and {} x {} with {}",
             picture.width, picture.height, picture.channels, mask.width, mask.height, mask.channels);
  Random random(d.stream);
  if (d.occluded_share > 0) {
    const Image cover = cut_in(picture, d.occluded_share, random);
    for (std::size_t i = 0; i < cover.pixels.size(); ++i) {
      if (cover.pixels[i] != 0) mask.pixels[i] = 0;
    }
  }
  if (d.backlight) picture = apply_backlight(picture, *d.backlight);
  const double thousandth = std::max(picture.width, picture.height) / 1000.0;
  if (d.blur_deviation > 0) picture = gaussian_blur(picture, thousandth * d.blur_deviation);
  if (d.motion_length > 0) picture = motion_blur(picture, thousandth * d.motion_length, d.motion_angle);
  if (d.electrons > 0) picture = expose(picture, {.exposure = d.exposure, .electrons = d.electrons}, random);
  if (d.saturation != 1 || d.gain != std::array<double, 3>{1, 1, 1}) recolour(picture, d.saturation, d.gain);
  if (d.jpeg_quality > 0) picture = recompress(picture, d.jpeg_quality);
}

}  // namespace weft
