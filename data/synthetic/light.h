#pragma once
// Light: one sun (or lamp) and a surrounding that is brighter above than below.

#include "data/synthetic/vec.h"

namespace weft::synthetic {

struct Light {
  Vec3 to_sun{-0.5f, -0.6f, 0.6f};  ///< unit direction towards it; z < 0 means it stands behind the person
  Colour sun{1, 1, 1};              ///< what a white surface facing it sends back
  Colour sky{0.4f, 0.4f, 0.4f};     ///< the same for light from above
  Colour ground{0.2f, 0.2f, 0.2f};  ///< and from below

  /// The light a surface sends to the viewer. Lambert's cosine, wrapped a little around the edge as cloth and
  /// skin do, plus a highlight (Blinn 1977) of strength `gloss` in 0..1.
  Colour shade(Vec3 normal, Colour albedo, float gloss = 0) const {
    constexpr float wrap = 0.18f;
    const float facing = std::max(0.0f, (dot(normal, to_sun) + wrap) / (1 + wrap));
    const float open = 0.72f + 0.28f * normal.z;  // an edge that turns away sees less of its surroundings
    Colour light = mix(ground, sky, 0.5f - 0.5f * normal.y) * open + sun * facing;
    Colour result = albedo * light;
    if (gloss > 0) {
      const Vec3 half = unit(to_sun + Vec3{0, 0, 1});
      const float spot = std::pow(std::max(0.0f, dot(normal, half)), 6 + 70 * gloss);
      const float rim = (1 - normal.z) * (1 - normal.z);
      result = result + (sun * (0.6f * spot) + sky * (0.25f * rim)) * gloss;
    }
    return result;
  }
};

}  // namespace weft::synthetic
