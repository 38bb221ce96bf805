#pragma once
// Noise: functions of the plane that look random and always give the same value at the same place.

#include <cstdint>

#include "data/synthetic/vec.h"

namespace weft::synthetic {

/// Well mixed bits of a lattice point.
std::uint32_t lattice_hash(int x, int y, std::uint32_t seed);
/// Uniform in [0, 1) for a lattice point.
inline float lattice_uniform(int x, int y, std::uint32_t seed) {
  return static_cast<float>(lattice_hash(x, y, seed) >> 8) * 0x1.0p-24f;
}

/// Value noise: random numbers on the integer lattice, smoothly interpolated. In [-1, 1], features of size about 1.
float noise(Vec2 p, std::uint32_t seed);

/// Sum of `octaves` noises, each at twice the frequency and half the height of the one before; about [-1, 1].
float fractal_noise(Vec2 p, int octaves, std::uint32_t seed);

/// The nearest of one random point in each unit cell (Worley 1996).
struct Cell {
  float distance;      ///< to the nearest point
  float edge;          ///< distance to the second nearest less `distance`: 0 on the border of two cells
  Vec2 offset;         ///< from that point to p
  std::uint32_t bits;  ///< the cell's own random bits
};
Cell nearest_cell(Vec2 p, std::uint32_t seed);

}  // namespace weft::synthetic
