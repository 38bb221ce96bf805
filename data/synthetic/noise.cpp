#include "data/synthetic/noise.h"

namespace weft::synthetic {

std::uint32_t lattice_hash(int x, int y, std::uint32_t seed) {
  std::uint32_t h =
      static_cast<std::uint32_t>(x) * 0x85EBCA6Bu ^ static_cast<std::uint32_t>(y) * 0xC2B2AE35u ^ seed * 0x9E3779B9u;
  h = (h ^ (h >> 16)) * 0x7FEB352Du;
  h = (h ^ (h >> 15)) * 0x846CA68Bu;
  return h ^ (h >> 16);
}

float noise(Vec2 p, std::uint32_t seed) {
  const float fx = std::floor(p.x), fy = std::floor(p.y);
  const int x = static_cast<int>(fx), y = static_cast<int>(fy);
  const auto fade = [](float t) { return t * t * t * (t * (6 * t - 15) + 10); };
  const float u = fade(p.x - fx), v = fade(p.y - fy);
  const float top = mix(lattice_uniform(x, y, seed), lattice_uniform(x + 1, y, seed), u);
  const float bottom = mix(lattice_uniform(x, y + 1, seed), lattice_uniform(x + 1, y + 1, seed), u);
  return 2 * mix(top, bottom, v) - 1;
}

float fractal_noise(Vec2 p, int octaves, std::uint32_t seed) {
  float sum = 0, height = 0.55f;
  for (int k = 0; k < octaves; ++k, height *= 0.5f) {
    sum += height * noise(p, seed + static_cast<std::uint32_t>(k));
    p = rotate(p * 2.03f, 0.6f);  // turned, so that the lattices of the octaves don't line up
  }
  return sum;
}

Cell nearest_cell(Vec2 p, std::uint32_t seed) {
  const int x0 = static_cast<int>(std::floor(p.x)), y0 = static_cast<int>(std::floor(p.y));
  Cell best{8, 0, {}, 0};
  float second = 8;
  for (int y = y0 - 1; y <= y0 + 1; ++y) {
    for (int x = x0 - 1; x <= x0 + 1; ++x) {
      const std::uint32_t bits = lattice_hash(x, y, seed);
      const Vec2 point{static_cast<float>(x) + static_cast<float>(bits & 0xFFFF) * 0x1.0p-16f,
                       static_cast<float>(y) + static_cast<float>(bits >> 16) * 0x1.0p-16f};
      const Vec2 offset = p - point;
      const float distance = length(offset);
      if (distance < best.distance) {
        second = best.distance;
        best = {distance, 0, offset, lattice_hash(x, y, seed + 77)};
      } else {
        second = std::min(second, distance);
      }
    }
  }
  best.edge = second - best.distance;
  return best;
}

}  // namespace weft::synthetic
