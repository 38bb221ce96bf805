#include "data/synthetic/choice.h"
#include "data/synthetic/head.h"
#include "data/synthetic/noise.h"

namespace weft::synthetic {

namespace {

/// 1 inside the ellipse, 0 outside, with a border `soft` wide relative to the radii.
float spot(Vec2 q, Vec2 centre, Vec2 radii, float soft) {
  const Vec2 d = q - centre;
  return smoothstep(1 + soft, 1 - soft, length({d.x / radii.x, d.y / radii.y}));
}

/// 1 on a stroke from a to b of half width r.
float stroke(Vec2 q, Vec2 a, Vec2 b, float r) {
  const Vec2 edge = b - a, offset = q - a;
  return smoothstep(1.5f * r, 0.5f * r, length(offset - edge * clamp01(dot(offset, edge) / dot(edge, edge))));
}

struct FacePainting {
  Face face;
  Colour tone, hair;
  float turn;  // sideways shift of the features, heads
  Light light;
  std::uint32_t seed;

  /// Albedo and normal at head coordinates q, then light.
  Colour at(Vec2 q) const {
    const Vec2 f{q.x - turn, q.y};     // features turn with the face
    const Vec2 m{std::abs(f.x), f.y};  // and are symmetric
    Vec3 normal = unit(Vec3{q.x / 0.46f - 0.25f * turn, q.y / 0.72f, 0.62f});
    Colour c = tone * (1 + 0.04f * noise(q * 22, seed));

    c = mix(c, c * Colour{1.08f, 0.80f, 0.76f}, 0.6f * spot(m, {0.21f, 0.12f}, {0.13f, 0.11f}, 0.9f));  // cheeks
    c = mix(c, c * 0.68f, 0.75f * spot(m, {0.145f, -0.045f}, {0.13f, 0.075f}, 0.8f));                   // eye sockets
    c = mix(c, c * 0.78f, 0.6f * spot(f, {0, 0.38f}, {0.1f, 0.03f}, 0.9f));  // under the lower lip
    if (face.beard > 0) {
      const float edge = 0.14f + 0.16f * smoothstep(0.25f, 0.05f, m.x) + 0.02f * noise(q * 30, seed);
      float grown = smoothstep(edge - 0.05f, edge + 0.06f, f.y) + spot(f, {0, 0.235f}, {0.12f, 0.022f}, 0.6f);
      grown = clamp01(grown) * face.beard * (0.75f + 0.25f * noise({q.x * 90, q.y * 40}, seed));
      c = mix(c, hair * 1.2f, 0.85f * grown);
    }

    // The nose: a ridge whose flanks turn away, a lit tip, nostrils, a shadow below.
    const float ridge = smoothstep(-0.1f, 0.1f, f.y) * smoothstep(0.21f, 0.17f, f.y);
    const float flank = smoothstep(0.0f, 0.035f, m.x) * smoothstep(0.085f, 0.045f, m.x);
    normal = unit(normal + Vec3{(f.x > 0 ? 0.55f : -0.55f) * ridge * flank, 0, 0});
    c = mix(c, c * 0.62f, 0.8f * spot(f, {0, 0.193f}, {0.075f, 0.02f}, 0.8f));
    c = mix(c, c * 0.35f, 0.8f * spot(m, {0.034f, 0.183f}, {0.018f, 0.010f}, 0.5f));
    c = mix(c, c * 1.22f, 0.7f * spot(f, {0, 0.15f}, {0.022f, 0.025f}, 0.9f));

    // Eyes: white, iris, pupil, glint, upper lid; brows above.
    const Vec2 eye{0.145f, -0.035f};
    c = mix(c, Colour{0.48f, 0.46f, 0.44f} * (0.45f + 0.55f * smoothstep(0.02f, 0.4f, luminance(tone))),
            spot(m, eye, {0.06f, 0.024f}, 0.2f));
    if (spot(m, eye, {0.06f, 0.026f}, 0.1f) > 0) {
      c = mix(c, face.eyes, spot(m, eye, {0.030f, 0.030f}, 0.2f));
      c = mix(c, Colour{0.01f, 0.01f, 0.01f}, spot(m, eye, {0.014f, 0.014f}, 0.3f));
      c = mix(c, Colour{0.9f, 0.9f, 0.9f}, spot(m, eye + Vec2{-0.012f, -0.012f}, {0.007f, 0.007f}, 0.4f));
    }
    const float lid = -0.058f + 2.6f * (m.x - 0.145f) * (m.x - 0.145f);
    c = mix(c, tone * 0.12f,
            0.9f * smoothstep(0.013f, 0.004f, std::abs(m.y - lid)) * smoothstep(0.085f, 0.06f, std::abs(m.x - 0.15f)));
    const float brow = std::max(stroke(m, {0.072f, -0.117f}, {0.155f, -0.14f}, 0.014f * face.brow),
                                stroke(m, {0.155f, -0.14f}, {0.23f, -0.115f}, 0.010f * face.brow));
    c = mix(c, hair * 0.6f + Colour{0.008f, 0.006f, 0.005f}, 0.8f * brow);

    // The mouth lies on a curve that a smile lifts at its ends.
    const Vec2 mouth{f.x, f.y - 0.285f + face.smile * 1.6f * f.x * f.x};
    c = mix(c, face.lips * 0.8f, 0.85f * spot(mouth, {0, -0.012f}, {0.098f, 0.020f}, 0.3f));
    c = mix(c, face.lips, 0.85f * spot(mouth, {0, 0.019f}, {0.083f, 0.024f}, 0.3f));
    c = mix(c, face.lips * 0.25f,
            0.9f * smoothstep(0.008f, 0.002f, std::abs(mouth.y)) * smoothstep(0.105f, 0.085f, m.x));
    return light.shade(normal, c, 0.12f);
  }
};

}  // namespace

Face random_face(Random& random, const Build& build) {
  static const Colour irises[] = {srgb(70, 42, 24), srgb(56, 34, 22), srgb(96, 70, 36), srgb(70, 104, 130),
                                  srgb(88, 108, 72)};
  Face face;
  face.eyes = pick(random, irises);
  const Colour natural = build.skin * Colour{0.82f, 0.5f, 0.47f};
  face.lips = random.chance(0.45 * build.feminine) ? mix(natural, srgb(170, 24, 44), 0.65f) : natural;
  face.jaw = mix(0.8f, 0.2f, build.feminine) + uniform(random, -0.2, 0.2);
  face.smile = uniform(random, -0.1, 0.9);
  face.brow = mix(1.25f, 0.8f, build.feminine);
  if (build.feminine < 0.45f && random.chance(0.5)) face.beard = uniform(random, 0.25, 1);
  return face;
}

Vec2 head_point(const Figure& figure, float u, float v) {
  return figure.head + rotate({u, v}, figure.head_roll) * figure.build.head;
}

Vec2 head_coordinates(const Figure& figure, Vec2 p) {
  return rotate(p - figure.head, -figure.head_roll) * (1 / figure.build.head);
}

Shape head_outline(const Figure& figure, const std::vector<Vec2>& points, float bulge) {
  std::vector<Vec2> placed;
  for (Vec2 q : points) placed.push_back(head_point(figure, q.x, q.y));
  return outline(std::move(placed), bulge * figure.build.head);
}

Shader skin(Colour tone, const Light& light) {
  return [tone, light](Vec2 p, const Surface& s) {
    // Light that enters skin leaves it redder, most visibly where the surface turns from light to shadow.
    const float turning = 1 - std::abs(dot(s.normal, light.to_sun));
    const Colour warm = mix(tone, tone * Colour{1.12f, 0.88f, 0.82f}, 0.5f * turning);
    return light.shade(s.normal, warm * (1 + 0.02f * noise(p * 60, 3)), 0.1f);
  };
}

void draw_neck(const Drawing& to) {
  const Figure& f = to.figure;
  const float r = mix(0.0335f, 0.0355f, 1 - f.build.feminine) * (0.5f + 0.5f * f.build.girth);
  const Vec2 top = head_point(f, 0, 0.22f);
  const float shoulder_y = 0.5f * (f.arm[0][0].p.y + f.arm[1][0].p.y);
  const Vec2 inset{mix(f.arm[0][0].p.x, f.neck.x, 0.2f), mix(f.arm[1][0].p.x, f.neck.x, 0.2f)};
  const Shape neck =
      column({{top.y, top.x - r, top.x + r},
              {mix(top.y, f.neck.y, 0.6f), mix(top.x, f.neck.x, 0.6f) - r, mix(top.x, f.neck.x, 0.6f) + r},
              {f.neck.y - 0.004f, f.neck.x - 1.25f * r, f.neck.x + 1.25f * r},
              {f.neck.y + 0.016f, mix(inset.x, f.neck.x, 0.35f), mix(inset.y, f.neck.x, 0.35f)},
              {shoulder_y + 0.01f, inset.x, inset.y},
              {f.chest.y + 0.02f, inset.x, inset.y}});
  to.painter.paint(Label::face, neck, skin(f.build.skin, to.light), 0);
  // Collar bones.
  for (int side : {0, 1}) {
    const float sign = side_sign(side);
    const Shape bone = tube({{f.neck + Vec2{sign * 0.010f, 0.022f}, 0.0016f},
                             {f.neck + Vec2{sign * 0.04f, 0.017f}, 0.002f},
                             {f.neck + Vec2{sign * 0.07f, 0.016f}, 0.0012f}});
    to.painter.darken(bone, 0.005f, 0.28f);
  }
}

void draw_face(const Drawing& to, const Face& face, const Hair& hair) {
  const Figure& f = to.figure;
  const float turn = 0.2f * f.head_yaw, jaw = 0.02f * face.jaw;
  const Shader shader = skin(f.build.skin, to.light);
  for (int side : {0, 1}) {  // the ear on the side the face turns to disappears behind it
    const float sign = side_sign(side), u = sign * 0.362f - 0.35f * turn;
    to.painter.paint(Label::face,
                     ellipse(head_point(f, u, 0.02f), Vec2{0.045f, 0.1f} * f.build.head, f.head_roll + sign * 0.15f),
                     shader, 0);
  }
  std::vector<Vec2> points = symmetric({{0, -0.5f},
                                        {0.2f, -0.455f},
                                        {0.325f, -0.3f},
                                        {0.358f, -0.08f},
                                        {0.340f + jaw, 0.12f},
                                        {0.27f + jaw, 0.31f},
                                        {0.15f + jaw, 0.455f},
                                        {0, 0.5f}});
  for (Vec2& p : points) p.x += 0.3f * turn * smoothstep(0.12f, 0.35f, p.y);  // the chin turns with the face
  const Shape shape = head_outline(f, points, 0.3f);
  const FacePainting painting{face, f.build.skin, hair.colour, turn, to.light, hair.seed};
  to.painter.paint(
      Label::face, shape, [&](Vec2 p, const Surface&) { return painting.at(head_coordinates(f, p)); }, 0.022f);
}

}  // namespace weft::synthetic
