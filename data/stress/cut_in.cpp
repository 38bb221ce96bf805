#include "data/stress/cut_in.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "core/check.h"

namespace weft {
namespace {

using Colour = std::array<double, 3>;
constexpr int most_cut_ins = 40;  // where they fall on one another, the share is not reached

struct Point {
  double x, y;
};

Colour mix(const Colour& a, const Colour& b, double t) {
  return {a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), a[2] + t * (b[2] - a[2])};
}

Point middle_point(const Image& picture, Random& random) {
  return {random.uniform(0.25, 0.75) * picture.width, random.uniform(0.2, 0.85) * picture.height};
}

/// Paints what `light` says is there: a factor above 0 for the colour that `colour` gives, 0 for nothing.
template <class Light, class Colours>
void paint(Image& picture, Image& cover, std::int64_t& covered, const Light& light, const Colours& colour) {
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      const Point at{x + 0.5, y + 0.5};
      const double factor = light(at);
      if (factor <= 0) continue;
      const Colour tone = colour(at);
      std::uint8_t* pixel = picture.at(y, x);
      for (std::size_t c = 0; c < 3; ++c)
        pixel[c] = static_cast<std::uint8_t>(std::clamp(std::lround(factor * tone[c]), 0l, 255l));
      covered += *cover.at(y, x) == 0;
      *cover.at(y, x) = 1;
    }
  }
}

void paint_arm(Image& picture, Image& cover, std::int64_t& covered, Random& random) {
  const double side = std::max(picture.width, picture.height);
  const Point hand = middle_point(picture, random);
  const double angle = random.uniform(0, 2 * std::numbers::pi);
  const Point shoulder{hand.x + side * std::cos(angle), hand.y + side * std::sin(angle)};  // outside, or nearly
  const double wrist = random.uniform(0.025, 0.04) * side, upper = random.uniform(1.5, 2.2) * wrist;
  const Colour skin = mix({92, 58, 42}, {241, 205, 180}, random.uniform());
  const double dx = shoulder.x - hand.x, dy = shoulder.y - hand.y, length2 = dx * dx + dy * dy;
  const auto light = [&](Point p) {
    const double t = std::clamp(((p.x - hand.x) * dx + (p.y - hand.y) * dy) / length2, 0.0, 1.0);
    const double away = std::hypot(p.x - hand.x - t * dx, p.y - hand.y - t * dy) / (wrist + t * (upper - wrist));
    return away >= 1 ? 0.0 : 0.6 + 0.45 * std::sqrt(1 - away * away);
  };
  paint(picture, cover, covered, light, [&](Point) { return skin; });
}

void paint_object(Image& picture, Image& cover, std::int64_t& covered, Random& random) {
  const double side = std::max(picture.width, picture.height);
  const Point centre = middle_point(picture, random);
  const double a = random.uniform(0.04, 0.1) * side, b = a * random.uniform(0.6, 1.6);
  const double angle = random.uniform(0, std::numbers::pi), roundness = random.chance(0.5) ? 2 : 6;
  const double stripe = random.chance(0.5) ? random.uniform(0.1, 0.4) * a : 4 * a;
  const auto any_colour = [&] { return Colour{random.uniform(15, 240), random.uniform(15, 240), random.uniform(15, 240)}; };
  const Colour one = any_colour(), other = any_colour();
  const auto along = [&](Point p) { return (p.x - centre.x) * std::cos(angle) + (p.y - centre.y) * std::sin(angle); };
  const auto across = [&](Point p) { return (p.y - centre.y) * std::cos(angle) - (p.x - centre.x) * std::sin(angle); };
  const auto light = [&](Point p) {
    const double u = along(p) / a, v = across(p) / b;
    return std::pow(std::abs(u), roundness) + std::pow(std::abs(v), roundness) > 1 ? 0.0 : 0.85 + 0.2 * u;
  };
  paint(picture, cover, covered, light,
        [&](Point p) { return static_cast<int>(std::floor(along(p) / stripe)) % 2 == 0 ? one : other; });
}

}  // namespace

Image cut_in(Image& picture, double share, Random& random) {
  WEFT_CHECK(picture.channels == 3 && share >= 0 && share < 1,
             "[cut_in] expected an RGB picture and a share in [0, 1), got {} channels and {}", picture.channels, share);
  Image cover(picture.width, picture.height, 1);
  std::int64_t covered = 0;
  const double wanted = share * picture.width * picture.height;
  for (int i = 0; i < most_cut_ins && static_cast<double>(covered) < wanted; ++i) {
    if (random.chance(0.5)) {
      paint_arm(picture, cover, covered, random);
    } else {
      paint_object(picture, cover, covered, random);
    }
  }
  return cover;
}

}  // namespace weft
