#include <iterator>

#include "data/synthetic/choice.h"
#include "data/synthetic/head.h"
#include "data/synthetic/noise.h"

namespace weft::synthetic {

namespace {

bool is_long(HairStyle style) { return style == HairStyle::long_straight || style == HairStyle::long_wavy; }

/// Strands run from the crown outwards and then down: their lines are those of constant
/// u / sqrt(v + 0.62), v from the crown. A band of light lies across them where the skull faces the sky.
Shader strands(const Figure& f, const Hair& hair, const Light& light) {
  return [&f, hair, light](Vec2 p, const Surface& s) {
    const Vec2 q = head_coordinates(f, p);
    const float down = std::max(q.y + 0.62f, 0.06f);
    const float wave = (hair.style == HairStyle::long_wavy ? 0.05f * std::sin(9 * q.y + 5 * q.x) : 0) +
                       0.03f * noise(q * 4, hair.seed + 2);
    float line = (q.x + 0.12f * hair.part + wave) / std::sqrt(down);
    float fleck = 0.6f * noise({line * 38, q.y * 3}, hair.seed) + 0.4f * noise({line * 90, q.y * 6}, hair.seed + 1);
    if (hair.style == HairStyle::curls || hair.style == HairStyle::buzz) fleck = fractal_noise(q * 16, 3, hair.seed);
    if (hair.style == HairStyle::crop || hair.style == HairStyle::pixie)
      fleck = 0.5f * fleck + 0.8f * fractal_noise({q.x * 34, q.y * 18}, 2, hair.seed + 4);
    const float band = 1.0f * std::exp(-30 * (q.y + 0.3f + 0.06f * fleck) * (q.y + 0.3f + 0.06f * fleck)) +
                       0.35f * smoothstep(0.3f, 1.0f, noise({line * 3, q.y * 2.2f}, hair.seed + 7));
    const Vec3 normal = unit(s.normal + Vec3{0.35f * fleck, 0, 0});
    return light.shade(normal, hair.colour * (1 + 0.45f * fleck)) +
           (light.sun * 0.05f + light.sky * 0.04f) * (hair.colour + Colour{0.12f, 0.12f, 0.12f}) * (band * (1 + fleck));
  };
}

/// Hair that covers the skull from the crown down to height v, `wide` beyond the skull at its lower end.
Shape cap(const Figure& f, const Hair& hair, float v, float wide) {
  const float t = hair.volume, side = 0.365f + 0.6f * t;
  return head_outline(f,
                      symmetric({{0, -0.5f - t},
                                 {0.2f, -0.46f - 0.95f * t},
                                 {0.34f + 0.5f * t, -0.29f - 0.4f * t},
                                 {side, -0.06f},
                                 {side + wide, mix(-0.06f, v, 0.6f)},
                                 {side + 0.7f * wide - 0.03f, v},
                                 {0, v + 0.03f}}),
                      0.22f);
}

/// The window that the face looks out of: from the hairline down past the chin.
Shape face_window(const Figure& f, const Hair& hair, float half_width) {
  const float turn = 0.2f * f.head_yaw, top = -0.335f + 0.1f * hair.hairline, part = 0.12f * hair.part;
  const float w = half_width;
  std::vector<Vec2> points;
  if (hair.hairline > 0.45f) {  // a fringe, nearly straight
    points = {{turn - w, top + 0.11f},
              {turn - 0.5f * w, top + 0.075f},
              {turn, top + 0.07f},
              {turn + 0.5f * w, top + 0.075f},
              {turn + w, top + 0.11f}};
  } else {
    points = {{turn - w, -0.06f},
              {turn - 0.78f * w, top + 0.085f + 0.1f * part},
              {turn + part, top - 0.01f},
              {turn + 0.78f * w, top + 0.085f - 0.1f * part},
              {turn + w, -0.06f}};
  }
  points.insert(points.end(),
                {{turn + w, 0.3f}, {turn + 0.8f * w, 0.9f}, {turn, 1.2f}, {turn - 0.8f * w, 0.9f}, {turn - w, 0.3f}});
  return head_outline(f, points, 0.1f);
}

Shape ragged(Shape shape, const Figure& f, const Hair& hair, float depth, float frequency) {
  return displaced(std::move(shape), depth * f.build.head, [&f, hair, depth, frequency](Vec2 p, const Surface&) {
    return depth * f.build.head * fractal_noise(head_coordinates(f, p) * frequency, 2, hair.seed + 50);
  });
}

/// How far down long hair reaches, in head coordinates.
float fall(const Hair& hair) { return mix(0.85f, 2.3f, hair.length); }

/// Hair as a hat leaves it: flat on the skull.
Hair pressed(Hair hair) {
  hair.volume = std::min(hair.volume, 0.02f);
  return hair;
}

}  // namespace

Hair random_hair(Random& random, const Build& build) {
  static const Colour colours[] = {srgb(20, 17, 16),    srgb(30, 24, 21),   srgb(48, 34, 25),    srgb(78, 53, 36),
                                   srgb(110, 76, 48),   srgb(150, 112, 70), srgb(196, 160, 104), srgb(134, 62, 32),
                                   srgb(140, 138, 136), srgb(214, 212, 206)};
  static const HairStyle short_styles[] = {HairStyle::buzz,      HairStyle::crop,      HairStyle::crop,
                                           HairStyle::crop,      HairStyle::side_part, HairStyle::side_part,
                                           HairStyle::side_part, HairStyle::curls,     HairStyle::bald};
  static const HairStyle long_styles[] = {
      HairStyle::long_straight, HairStyle::long_straight, HairStyle::long_wavy, HairStyle::long_wavy, HairStyle::bob,
      HairStyle::bob,           HairStyle::ponytail,      HairStyle::bun,       HairStyle::pixie,     HairStyle::curls};
  Hair hair;
  hair.style = random.chance(0.08 + 0.84 * build.feminine) ? pick(random, long_styles) : pick(random, short_styles);
  const bool dark_skin = luminance(build.skin) < 0.22f;
  hair.colour = colours[random.below(dark_skin ? 3 : std::size(colours))] * uniform(random, 0.8, 1.2);
  if (random.chance(0.015)) hair.colour = mix(srgb(190, 60, 120), srgb(50, 110, 150), uniform(random, 0, 1));
  hair.length = uniform(random, 0, 1);
  hair.volume = uniform(random, 0.03, 0.09);
  hair.hairline = uniform(random, -0.7, 1);
  hair.part = uniform(random, -1, 1);
  hair.in_front = random.chance(0.55);
  hair.seed = static_cast<std::uint32_t>(random.next());
  if (hair.style == HairStyle::curls) hair.volume = uniform(random, 0.08, 0.26);
  if (hair.style == HairStyle::buzz) hair.volume = 0.012f;
  return hair;
}

void draw_hair_behind(const Drawing& to, const Hair& loose, bool under_hat) {
  const Figure& f = to.figure;
  const Hair hair = under_hat ? pressed(loose) : loose;
  const Shader shader = strands(f, hair, to.light);
  const auto paint = [&](const Shape& shape) { to.painter.paint(Label::hair, shape, shader, 0); };
  if (is_long(hair.style)) {
    const float end = hair.in_front ? mix(0.9f, fall(hair), 0.5f) : fall(hair),
                wide = hair.style == HairStyle::long_wavy ? 0.16f : 0.07f;
    const auto row = [&](float v, float half) {
      const Vec2 p = head_point(f, 0, v);
      return Row{p.y, p.x - half * f.build.head, p.x + half * f.build.head};
    };
    Shape mass = column({row(-0.5f, 0.05f), row(-0.4f, 0.28f), row(-0.2f, 0.38f), row(0.2f, 0.41f + 0.5f * wide),
                         row(0.6f, 0.43f + wide), row(end, 0.36f + wide)},
                        0.01f);
    paint(ragged(std::move(mass), f, hair, hair.style == HairStyle::long_wavy ? 0.05f : 0.025f, 7));
  } else if (hair.style == HairStyle::bob) {
    paint(ragged(cap(f, hair, 0.55f + 0.1f * hair.length, 0.09f), f, hair, 0.015f, 9));
  } else if (hair.style == HairStyle::ponytail) {
    const float sign = hair.part > 0 ? 1.0f : -1.0f;
    paint(tube({{head_point(f, 0.05f * sign, -0.4f), 0.01f},
                {head_point(f, 0.4f * sign, -0.2f), 0.013f},
                {head_point(f, 0.5f * sign, 0.3f), 0.017f},
                {head_point(f, 0.45f * sign, 0.9f), 0.012f},
                {head_point(f, 0.4f * sign, 1.1f), 0.003f}}));
  } else if (hair.style == HairStyle::bun && !under_hat) {
    paint(
        ragged(ellipse(head_point(f, 0.1f * hair.part, -0.62f), Vec2{0.19f, 0.17f} * f.build.head), f, hair, 0.02f, 8));
  } else if (hair.style == HairStyle::curls) {
    paint(ragged(cap(f, hair, 0.2f + 0.35f * hair.length, hair.volume), f, hair, 0.06f, 9));
  }
}

void draw_hair(const Drawing& to, const Hair& loose, bool under_hat) {
  const Figure& f = to.figure;
  const Hair hair = under_hat ? pressed(loose) : loose;
  const Shader shader = strands(f, hair, to.light);
  const auto paint = [&](const Shape& shape, float lift = 0.006f) {
    to.painter.paint(Label::hair, shape, shader, lift);
  };
  float lower = 0.08f, wide = 0, window = 0.315f, rag = 0.012f;
  switch (hair.style) {
    case HairStyle::bald: return;
    case HairStyle::buzz:
      lower = 0.0f;
      window = 0.325f;
      break;
    case HairStyle::crop:
    case HairStyle::side_part:
      lower = 0.06f;
      rag = 0.02f;
      break;
    case HairStyle::pixie:
      lower = 0.2f;
      window = 0.3f;
      rag = 0.03f;
      break;
    case HairStyle::bob:
      lower = 0.5f + 0.1f * hair.length;
      wide = 0.08f;
      window = 0.295f;
      break;
    case HairStyle::long_straight:
    case HairStyle::long_wavy:
      lower = 0.62f;
      wide = 0.05f;
      window = 0.3f;
      break;
    case HairStyle::ponytail:
    case HairStyle::bun:
      lower = 0.0f;
      window = 0.325f;
      break;
    case HairStyle::curls:
      lower = 0.15f + 0.3f * hair.length;
      wide = 0.6f * hair.volume;
      window = 0.31f;
      rag = 0.045f;
      break;
  }
  paint(ragged(without(cap(f, hair, lower, wide), face_window(f, hair, window)), f, hair, rag, 11));
  if (is_long(hair.style) && hair.in_front) {
    // Two falls from the temples over the shoulders, widest at the collar bones, thinning out to their ends.
    for (int side : {0, 1}) {
      const float sign = side_sign(side), end = fall(hair) * (side == 0 ? 1.0f : 0.94f),
                  wave = hair.style == HairStyle::long_wavy ? 0.045f : 0.0f;
      const auto row = [&](float v, float inner, float outer) {
        const Vec2 a = head_point(f, sign * inner, v), b = head_point(f, sign * outer, v);
        return Row{0.5f * (a.y + b.y), std::min(a.x, b.x), std::max(a.x, b.x)};
      };
      Shape lock = column({row(-0.15f, 0.31f, 0.40f), row(0.2f, 0.29f, 0.46f + wave), row(0.5f, 0.27f, 0.52f - wave),
                           row(0.8f, 0.25f - wave, 0.56f + wave), row(mix(0.8f, end, 0.6f), 0.26f + wave, 0.55f),
                           row(end, 0.34f, 0.46f)},
                          0.02f);
      paint(ragged(std::move(lock), f, hair, 0.03f, 7), 0.009f);
    }
  }
}

}  // namespace weft::synthetic
