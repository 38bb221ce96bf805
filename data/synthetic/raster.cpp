#include "data/synthetic/raster.h"

namespace weft::synthetic {

Colour Raster::sample(float x, float y) const {
  x = std::clamp(x, 0.0f, static_cast<float>(width - 1));
  y = std::clamp(y, 0.0f, static_cast<float>(height - 1));
  const int x0 = static_cast<int>(x), y0 = static_cast<int>(y), x1 = std::min(x0 + 1, width - 1),
            y1 = std::min(y0 + 1, height - 1);
  const float u = x - static_cast<float>(x0), v = y - static_cast<float>(y0);
  return mix(mix(at(x0, y0), at(x1, y0), u), mix(at(x0, y1), at(x1, y1), u), v);
}

namespace {

/// A running mean of 2 * radius + 1 pixels along lines of `count` pixels that lie `step` apart, with a fractional
/// radius: the two outermost pixels count by its fraction. Sums run in double so that they don't drift.
void box_blur_line(const Colour* in, Colour* out, int count, std::ptrdiff_t step, float radius) {
  const int whole = static_cast<int>(radius);
  const float part = radius - static_cast<float>(whole), scale = 1 / (2 * radius + 1);
  const auto at = [&](int i) { return in[std::clamp(i, 0, count - 1) * step]; };
  double x = 0, y = 0, z = 0;
  const auto add = [&](const Colour& c, double sign) {
    x += sign * static_cast<double>(c.x);
    y += sign * static_cast<double>(c.y);
    z += sign * static_cast<double>(c.z);
  };
  for (int i = -whole; i <= whole; ++i) add(at(i), 1);
  for (int i = 0; i < count; ++i) {
    const Colour sum{static_cast<float>(x), static_cast<float>(y), static_cast<float>(z)};
    out[i * step] = (sum + (at(i - whole - 1) + at(i + whole + 1)) * part) * scale;
    add(at(i - whole), -1);
    add(at(i + whole + 1), 1);
  }
}

}  // namespace

Raster blurred(const Raster& raster, float sigma) {
  if (sigma < 0.15f) return raster;
  // Three boxes of width w have variance (w^2 - 1) / 4.
  const float radius = 0.5f * (std::sqrt(4 * sigma * sigma + 1) - 1);
  Raster a = raster, b(raster.width, raster.height);
  for (int pass = 0; pass < 3; ++pass) {
    for (int y = 0; y < a.height; ++y) box_blur_line(&a.at(0, y), &b.at(0, y), a.width, 1, radius);
    for (int x = 0; x < a.width; ++x) box_blur_line(&b.at(x, 0), &a.at(x, 0), a.height, a.width, radius);
  }
  return a;
}

}  // namespace weft::synthetic
