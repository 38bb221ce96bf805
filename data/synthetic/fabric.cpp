#include "data/synthetic/fabric.h"

#include "data/synthetic/choice.h"
#include "data/synthetic/noise.h"

namespace weft::synthetic {

namespace {

Colour hue_colour(float hue, float saturation, float value) {
  const auto channel = [&](float shift) {
    const float k = std::fmod(hue * 6 + shift, 6.0f);
    return 255 * value * (1 - saturation * clamp01(std::min(k, 4 - k)));
  };
  return srgb(channel(5), channel(3), channel(1));
}

/// A line grating of period 1: 1 on the line of the given relative width, with borders `soft` wide.
float grating(float x, float width, float soft) {
  const float distance = std::abs(x - std::round(x));
  return smoothstep(0.5f * width + soft, 0.5f * width - soft, distance);
}

}  // namespace

Colour wearable_colour(Random& random) {
  static const Colour common[] = {srgb(24, 24, 27),    srgb(38, 38, 42),    srgb(240, 238, 232), srgb(226, 221, 210),
                                  srgb(120, 122, 126), srgb(176, 177, 178), srgb(30, 38, 66),    srgb(46, 58, 88),
                                  srgb(196, 174, 140), srgb(150, 122, 88),  srgb(110, 32, 42),   srgb(84, 92, 60),
                                  srgb(72, 50, 38),    srgb(188, 60, 52),   srgb(222, 178, 184), srgb(122, 150, 182),
                                  srgb(208, 168, 60),  srgb(40, 84, 76)};
  if (random.chance(0.68)) {
    const Colour c = pick(random, common);
    return c * uniform(random, 0.85, 1.15);
  }
  return hue_colour(uniform(random, 0, 1), uniform(random, 0.15, 0.62), uniform(random, 0.25, 0.85));
}

Fabric random_fabric(Random& random, bool heavy) {
  Fabric fabric;
  fabric.base = wearable_colour(random);
  fabric.second = random.chance(0.5) ? fabric.base * uniform(random, 0.25, 0.6) : wearable_colour(random);
  if (std::abs(luminance(fabric.base) - luminance(fabric.second)) < 0.05f)
    fabric.second = luminance(fabric.base) > 0.2f ? fabric.base * 0.2f : fabric.base + Colour{0.45f, 0.45f, 0.43f};
  fabric.third = wearable_colour(random);
  fabric.seed = static_cast<std::uint32_t>(random.next());
  fabric.size = uniform(random, 0.018, 0.05);
  fabric.gloss = random.chance(0.12) ? uniform(random, 0.25, 0.6) : uniform(random, 0, 0.1);
  fabric.fold = uniform(random, 0.35, 1.0);
  fabric.drape_width = uniform(random, 0.014, 0.04);
  if (random.chance(heavy ? 0.55 : 0.35)) return fabric;
  if (heavy) {
    static const Pattern calm[] = {Pattern::heather, Pattern::checks, Pattern::tweed,
                                   Pattern::knit,    Pattern::denim,  Pattern::blotches};
    fabric.pattern = pick(random, calm);
  } else {
    fabric.pattern = static_cast<Pattern>(random.below(pattern_count));
  }
  if (fabric.pattern == Pattern::denim) {
    const float gloss = fabric.gloss;
    fabric = random_denim(random);
    fabric.gloss = gloss * 0.2f;
  }
  return fabric;
}

Fabric random_denim(Random& random) {
  Fabric fabric;
  fabric.pattern = Pattern::denim;
  fabric.base = mix(srgb(28, 36, 58), srgb(128, 156, 190), uniform(random, 0, 1));
  if (random.chance(0.2)) fabric.base = Colour{1, 1, 1} * uniform(random, 0.012, 0.3);
  fabric.second = mix(fabric.base, srgb(200, 210, 222), 0.45f);
  fabric.third = srgb(176, 122, 60);
  fabric.size = 0.02f;
  fabric.fold = uniform(random, 0.6, 1.1);
  fabric.seed = static_cast<std::uint32_t>(random.next());
  return fabric;
}

Fabric random_leather(Random& random) {
  static const Colour hides[] = {srgb(22, 20, 20),   srgb(30, 28, 28),    srgb(92, 56, 34),
                                 srgb(150, 100, 60), srgb(228, 222, 212), srgb(128, 24, 30)};
  Fabric fabric;
  fabric.base = random.chance(0.75) ? pick(random, hides) : wearable_colour(random);
  fabric.second = fabric.base * 0.6f;
  fabric.third = srgb(200, 170, 90);
  fabric.gloss = uniform(random, 0.25, 0.9);
  fabric.fold = uniform(random, 0.2, 0.5);
  fabric.seed = static_cast<std::uint32_t>(random.next());
  return fabric;
}

Colour fabric_colour(const Fabric& f, const Surface& s) {
  const Vec2 p{s.across / f.size, s.along / f.size};
  const Vec2 fine{s.across * 300, s.along * 300};
  switch (f.pattern) {
    case Pattern::plain: return f.base;
    case Pattern::heather: return f.base * (1 + 0.35f * noise(fine, f.seed));
    case Pattern::rings: return mix(f.base, f.second, grating(p.y, 0.5f, 0.04f));
    case Pattern::stripes: return mix(f.base, f.second, grating(p.x * 1.6f, 0.3f, 0.05f));
    case Pattern::checks: {
      const float a = grating(p.x * 0.7f, 0.5f, 0.03f), b = grating(p.y * 0.7f, 0.5f, 0.03f);
      const float line = std::max(grating(p.x * 0.7f + 0.25f, 0.08f, 0.03f), grating(p.y * 0.7f + 0.25f, 0.08f, 0.03f));
      return mix(mix(f.base, f.second, 0.5f * (a + b)), f.third, 0.7f * line);
    }
    case Pattern::dots: {
      const float row = std::floor(p.y);
      const Vec2 q{p.x + 0.5f * (row - 2 * std::floor(row / 2)), p.y};
      const Vec2 offset{q.x - std::floor(q.x) - 0.5f, q.y - row - 0.5f};
      return mix(f.base, f.second, smoothstep(0.33f, 0.23f, length(offset)));
    }
    case Pattern::floral: {
      const Cell cell = nearest_cell(p * 0.75f, f.seed);
      const float angle = std::atan2(cell.offset.y, cell.offset.x) + static_cast<float>(cell.bits & 7u);
      const float petals = 0.26f + 0.09f * std::cos(5 * angle);
      const float leaf = smoothstep(0.1f, 0.35f, noise(p * 1.9f, f.seed + 5));
      Colour c = mix(f.base, mix(f.base, srgb(60, 96, 58), 0.7f), 0.6f * leaf);
      c = mix(c, (cell.bits & 16u) ? f.second : f.third, smoothstep(petals + 0.05f, petals - 0.05f, cell.distance));
      return mix(c, srgb(236, 206, 90), smoothstep(0.11f, 0.06f, cell.distance));
    }
    case Pattern::fade: return mix(f.base, f.second, smoothstep(0.1f, 0.9f, s.part + 0.08f * noise(p * 0.4f, f.seed)));
    case Pattern::denim: {
      const float worn = smoothstep(0.85f, 0.2f, std::abs(s.side)) *
                         (0.5f + 0.5f * fractal_noise(Vec2{s.across, s.along} * 14, 2, f.seed));
      const float weave = 0.12f * noise({(s.across + s.along) * 420, (s.across - s.along) * 140}, f.seed + 3);
      return mix(f.base, f.second, 0.75f * worn) * (1 + weave);
    }
    case Pattern::knit: {
      const float rib = std::sin(2 * pi * s.across / 0.011f);
      const float stitch = std::sin(2 * pi * s.along / 0.009f + 1.5f * rib);
      return f.base * (1 + 0.16f * rib + 0.1f * stitch);
    }
    case Pattern::zigzag: {
      const float wave = std::abs(2 * (p.x * 0.8f - std::round(p.x * 0.8f)));
      return mix(f.base, f.second, grating(p.y + 0.6f * wave, 0.45f, 0.05f));
    }
    case Pattern::blotches: {
      const float a = fractal_noise(p * 0.6f, 2, f.seed), b = fractal_noise(p * 0.7f, 2, f.seed + 9);
      return mix(mix(f.base, f.second, smoothstep(0.05f, 0.12f, a)), f.third, smoothstep(0.22f, 0.28f, b));
    }
    case Pattern::tweed: {
      const float fleck = noise({s.across * 260, s.along * 260}, f.seed);
      const float twill =
          std::sin(2 * pi * (s.across + (std::fmod(s.along / 0.02f, 2.0f) < 1 ? s.along : -s.along)) / 0.009f);
      return mix(f.base, f.second, clamp01(0.35f + 0.3f * fleck + 0.2f * twill));
    }
  }
  return f.base;
}

namespace {

/// How the folds run around one place: what changes slowly enough to be taken as constant there.
struct FoldField {
  const Fabric& f;
  float wander = 0, rising = 0, falling = 0;

  FoldField(const Fabric& fabric, float across, float along) : f(fabric) {
    const auto bundle = [&](std::uint32_t k) {
      return smoothstep(-0.1f, 0.6f, noise({across * 7, along * 10}, f.seed + k));
    };
    if (f.drapes) {
      wander = 0.5f * noise({across * 8, along * 5}, f.seed + 21);
    } else {
      wander = 0.012f * noise({across * 14, along * 14}, f.seed + 31);
      rising = bundle(32);
      falling = bundle(33);
    }
  }

  /// Height of the folds, in units of their width. Hanging cloth gets long folds that wander a little. Limbs get
  /// creases that slant one way or the other and come in bundles: the ridges of noises stretched along them.
  float height(float across, float along) const {
    if (f.drapes)
      return 0.8f * noise({across / f.drape_width + wander, along * 2.5f}, f.seed + 20) +
             0.5f * noise({across / (2.3f * f.drape_width) + wander, along * 4}, f.seed + 22);
    const auto crease = [&](float slant, std::uint32_t k) {
      const float ridge = noise({across * 8, (along + slant * across + wander) * 38}, f.seed + k);
      return std::max(0.0f, 1 - 2.2f * std::abs(ridge));
    };
    float height = 0.6f * noise({across * 10, (along + wander) * 17}, f.seed + 34);
    if (rising > 0) height += 0.55f * rising * crease(0.55f, 35);
    if (falling > 0) height += 0.55f * falling * crease(-0.55f, 36);
    return height - 0.15f;
  }
};

}  // namespace

Shader cloth(const Fabric& f, const Light& light) {
  return [f, light](Vec2, const Surface& s) {
    constexpr float step = 0.003f;
    const FoldField folds(f, s.across, s.along);
    const float here = folds.height(s.across, s.along);
    const float slope_across = (folds.height(s.across + step, s.along) - here) / step;
    const float slope_along = (folds.height(s.across, s.along + step) - here) / step;
    const float depth = f.fold * (f.drapes ? 0.42f * f.drape_width : 0.0095f);
    const Vec2 right{s.axis.y, -s.axis.x};
    const Vec2 tilt = (right * slope_across + s.axis * slope_along) * depth;
    const Vec3 normal = unit(Vec3{s.normal.x - tilt.x, s.normal.y - tilt.y, s.normal.z});
    const float hollow = 1 + 0.22f * f.fold * std::clamp(here, -1.0f, 0.5f);  // folds keep light out of their valleys
    const float grain = 1 + 0.05f * noise({s.across * 500, s.along * 500}, f.seed + 40);
    return light.shade(normal, fabric_colour(f, s) * grain, f.gloss) * hollow;
  };
}

}  // namespace weft::synthetic
