#include "data/stress/stress.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/check.h"
#include "core/random.h"
#include "data/stress/backlight.h"
#include "data/stress/blur.h"
#include "data/stress/cut_in.h"
#include "data/stress/recompress.h"
#include "data/stress/sensor.h"

namespace weft {
namespace {

using Strengths = std::array<double, stress_strengths>;
constexpr Strengths low_light_stops{1, 2, 3, 4, 5};
constexpr Strengths backlight_stops{0.5, 1, 1.5, 2, 2.5}, backlight_veil{0.05, 0.1, 0.2, 0.3, 0.45};
constexpr Strengths occluded_share{0.04, 0.08, 0.12, 0.18, 0.25};
constexpr Strengths blur_deviation{1, 2, 3, 4.5, 6}, blur_length{4, 8, 12, 18, 24};  // thousandths
constexpr Strengths noise_electrons{800, 300, 120, 50, 20};
constexpr std::array<int, stress_strengths> jpeg_quality{50, 30, 20, 12, 6};

Image blurred(const Image& picture, std::size_t level, Random& random) {
  const double unit = std::max(picture.width, picture.height) / 1000.0;
  const bool moves = random.chance(0.5);
  const double angle = random.uniform(0, 180);
  return moves ? motion_blur(picture, unit * blur_length[level], angle)
               : gaussian_blur(picture, unit * blur_deviation[level]);
}

void occlude(Sample& sample, std::size_t level, Random& random, std::uint8_t background) {
  const Image cover = cut_in(sample.picture, occluded_share[level], random);
  for (std::size_t i = 0; i < cover.pixels.size(); ++i) {
    if (cover.pixels[i] == 0) continue;
    sample.ids.pixels[i] = background;
    sample.clothing.pixels[i] = 0;
  }
}

}  // namespace

const std::vector<std::string>& stress_names() {
  static const std::vector<std::string> names{"low_light", "backlight", "occlusion", "blur", "noise", "jpeg"};
  return names;
}

Sample stressed(Sample sample, const std::string& stem, const std::string& stress, int strength, std::uint64_t seed,
                std::uint8_t background) {
  WEFT_CHECK(strength >= 1 && strength <= stress_strengths, "[stress] expected a strength of 1 to {}, got {}",
             stress_strengths, strength);
  const auto level = static_cast<std::size_t>(strength - 1);
  Random random(seed, {hash_text("stress"), hash_text(stem), hash_text(stress), level});
  Image& picture = sample.picture;
  if (stress == "low_light") {
    picture = expose(picture, {.exposure = std::exp2(-low_light_stops[level])}, random);
  } else if (stress == "backlight") {
    picture = apply_backlight(picture, {std::exp2(-backlight_stops[level]), backlight_veil[level],
                                        random.uniform(0.2, 0.8), random.uniform(0, 0.3)});
  } else if (stress == "occlusion") {
    occlude(sample, level, random, background);
  } else if (stress == "blur") {
    picture = blurred(picture, level, random);
  } else if (stress == "noise") {
    picture = expose(picture, {.electrons = noise_electrons[level]}, random);
  } else if (stress == "jpeg") {
    picture = recompress(picture, jpeg_quality[level]);
  } else {
    fail("unknown stress '{}'; expected low_light, backlight, occlusion, blur, noise or jpeg", stress);
  }
  return sample;
}

}  // namespace weft
