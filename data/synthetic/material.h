#pragma once
// Materials of walls and grounds.

#include <cstdint>

#include "core/random.h"
#include "data/synthetic/fabric.h"

namespace weft::synthetic {

enum class MaterialKind {
  plaster,
  brick,
  boards,
  tiles,
  concrete,
  wallpaper,
  facade,
  hedge,
  shelves,
  curtain,  // walls
  asphalt,
  cobbles,
  planks,
  grass,
  sand,
  paving,
  carpet,
  paper  // grounds
};

struct Material {
  MaterialKind kind = MaterialKind::plaster;
  Colour base, second;
  float size = 0.1f;  ///< of one unit of the pattern, body units (1 is about 1.7 m)
  Fabric fabric;      ///< wallpaper, curtains and carpets are printed cloth
  std::uint32_t seed = 0;
};

Material random_indoor_wall(Random& random);
Material random_indoor_floor(Random& random);
Material random_street_wall(Random& random);
Material random_street_ground(Random& random);
Material random_nature_ground(Random& random);
Material random_hedge(Random& random);
Material seamless_paper(Random& random);

/// Albedo at a place (body units; y down) of which one pixel covers `footprint`: details finer than that fade
/// into their mean, so that nothing flickers towards the horizon.
Colour material_colour(const Material& material, Vec2 place, float footprint);

}  // namespace weft::synthetic
