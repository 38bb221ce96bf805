#pragma once
// Fabric: what cloth is made of (colour, pattern, sheen) and how it falls (folds).

#include <cstdint>

#include "core/random.h"
#include "data/synthetic/light.h"
#include "data/synthetic/painter.h"

namespace weft::synthetic {

enum class Pattern { plain, heather, rings, stripes, checks, dots, floral, fade, denim, knit, zigzag, blotches, tweed };
inline constexpr int pattern_count = 13;

struct Fabric {
  Pattern pattern = Pattern::plain;
  Colour base, second, third;  ///< linear light
  float size = 0.02f;          ///< of one repeat of the pattern, body units
  float gloss = 0;             ///< 0 wool .. 1 patent leather
  float fold = 0.5f;           ///< depth of the folds
  bool drapes = false;         ///< folds run down the cloth (skirts, coats); else around the limb
  float drape_width = 0.02f;   ///< of one such fold
  std::uint32_t seed = 0;
};

/// A colour people wear: often black, white, grey, navy or beige, sometimes anything.
Colour wearable_colour(Random& random);
/// A fabric for a garment; heavy ones (coats) are plainer.
Fabric random_fabric(Random& random, bool heavy = false);
/// Denim in a random wash.
Fabric random_denim(Random& random);
/// Smooth leather or synthetic leather, for shoes, bags and belts.
Fabric random_leather(Random& random);

/// The cloth's own colour at a place on it.
Colour fabric_colour(const Fabric& fabric, const Surface& surface);
/// The shader of cloth under a light: pattern, folds, sheen.
Shader cloth(const Fabric& fabric, const Light& light);

}  // namespace weft::synthetic
