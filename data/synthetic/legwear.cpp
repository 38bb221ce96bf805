// Legs, shoes, trousers and skirts.

#include "data/synthetic/noise.h"
#include "data/synthetic/outfit.h"
#include "data/synthetic/tailoring.h"

namespace weft::synthetic {

namespace {

/// Left and right border of both legs together at one height.
Row legs_row(const Figure& f, float y, float ease) {
  Row row{y, 1e9f, -1e9f};
  for (const auto& leg : f.leg) {
    int i = 0;
    while (i < 3 && y > leg[i + 1].p.y) ++i;
    const float t = clamp01((y - leg[i].p.y) / std::max(leg[i + 1].p.y - leg[i].p.y, 1e-4f));
    const float x = mix(leg[i].p.x, leg[i + 1].p.x, t), r = mix(leg[i].radius, leg[i + 1].radius, t) + ease;
    row.left = std::min(row.left, x - r);
    row.right = std::max(row.right, x + r);
  }
  return row;
}

/// The points of a trouser leg. Wide cuts don't follow knee and calf.
std::vector<TubePoint> trouser_leg(const Figure& f, const Lower& lower, int side) {
  std::vector<TubePoint> points = f.leg_part(side, 0, lower.end, lower.ease);
  const float thigh = points.front().radius;
  for (std::size_t i = 1; i < points.size(); ++i) {
    const float t = static_cast<float>(i) / static_cast<float>(points.size() - 1);
    points[i].radius = std::max(points[i].radius, mix(thigh, thigh * lower.flare, t));
  }
  return points;
}

float ankle_line(const Figure& f) { return std::max(f.leg[0][4].p.y, f.leg[1][4].p.y); }

/// Lace: round holes on a triangular lattice. The distance to the nearest hole's rim, negative inside one.
float lace_hole(Vec2 cloth, float spacing) {
  const float row = std::floor(cloth.y / spacing);
  const float shift = std::fmod(std::abs(row), 2.0f) * 0.5f * spacing;
  const float x = cloth.x + shift;
  const Vec2 offset{x - (std::floor(x / spacing) + 0.5f) * spacing, cloth.y - (row + 0.5f) * spacing};
  return length(offset) - 0.36f * spacing;
}

}  // namespace

float waist_line(const Figure& f) { return mix(f.waist.y, f.pelvis.y, 0.22f); }

Shape seat_shape(const Figure& f, const Lower& lower) {
  const float top = waist_line(f), hip = f.pelvis.y, crotch = hip + 0.052f, ease = lower.ease;
  Row low = legs_row(f, crotch, 0.7f * ease);
  const float inset = 0.2f * (low.right - low.left);
  return column({f.trunk_row(top, 0.6f * ease),
                 f.trunk_row(mix(top, hip, 0.55f), ease),
                 f.trunk_row(hip, ease),
                 {mix(hip, crotch, 0.6f), low.left, low.right},
                 {crotch, low.left + inset, low.right - inset}},
                0.014f);
}

Shape skirt_shape(const Figure& f, const Lower& lower) {
  const float top = waist_line(f), hip = f.pelvis.y, hem = mix(hip, ankle_line(f), lower.end), ease = lower.ease;
  std::vector<Row> rows{f.trunk_row(top, 0.5f * ease),
                        f.trunk_row(mix(top, hip, 0.5f), ease + 0.2f * lower.flare * (hip - top)),
                        f.trunk_row(hip, ease + 0.4f * lower.flare * (hip - top))};
  const Row at_hip = rows.back();
  for (float t : {0.25f, 0.5f, 0.75f, 1.0f}) {
    const float y = mix(hip, hem, t), widen = lower.flare * (y - hip);
    const Row legs = legs_row(f, y, ease + 0.004f);
    rows.push_back({y, std::min(at_hip.left - widen + 0.02f * t * (1 - lower.flare), legs.left),
                    std::max(at_hip.right + widen - 0.02f * t * (1 - lower.flare), legs.right)});
  }
  Shape shape = column(rows, 0.01f + 0.02f * lower.end);
  const Fabric fabric = lower.fabric;
  const float wave = lower.pleated ? 0.006f : 0.0025f, top_part = top;
  shape = displaced(std::move(shape), wave, [=](Vec2 p, const Surface& s) {
    return wave * noise({s.across / fabric.drape_width, 2}, fabric.seed + 20) *
           smoothstep(0.5f, 1.0f, (p.y - top_part) / (hem - top_part));
  });
  if (!lower.lace_hem) return shape;
  const float band = hem - 0.3f * (hem - top);
  return {[shape, band](Vec2 p) {
            Surface s = shape.at(p);
            if (p.y > band) s.d = std::max(s.d, -lace_hole({s.across, s.along}, 0.021f));
            return s;
          },
          shape.box};
}

void draw_shoe(const Drawing& to, const Shoes& shoes, int side) {
  const Figure& f = to.figure;
  const Label label = shoe_label[side];
  const Joint& ankle = f.leg[side][4];
  const Vec2 toe = f.camera.project(f.toe[side]), heel = f.camera.project(f.heel[side]);
  const float k = f.camera.magnification(f.toe[side].z), r = 0.0215f * k * mix(0.9f, 1.0f, f.build.girth - 0.3f);
  const Vec2 instep = mix(ankle.p, toe, 0.55f) + Vec2{0, -0.006f};
  const Shader upper = cloth(shoes.fabric, to.light);
  const Shader sole = [&](Vec2, const Surface& s) { return to.light.shade(s.normal, shoes.sole, 0.1f); };
  const float sole_drop = shoes.style == ShoeStyle::sneakers ? 0.008f : 0.0045f;

  if (shoes.heel > 0.02f)  // a heel seen beside or behind the foot
    to.painter.paint(label,
                     tube({{ankle.p + Vec2{0, 0.022f}, 0.011f},
                           {heel + Vec2{0, shoes.heel * 0.3f}, 0.007f},
                           {heel + Vec2{0, shoes.heel * 0.85f}, 0.005f}}),
                     upper, 0);
  const Shape bottom = tube({{heel + Vec2{0, sole_drop - 0.01f}, 0.82f * r},
                             {mix(heel, toe, 0.6f) + Vec2{0, sole_drop}, r},
                             {toe + Vec2{0, sole_drop}, 0.85f * r}});
  to.painter.paint(label, bottom, sole, 0);
  const Shape body = tube({{ankle.p + Vec2{0, 0.008f}, 1.12f * ankle.radius}, {instep, 0.95f * r}, {toe, 0.88f * r}});
  if (shoes.style == ShoeStyle::sandals) {
    const Shader foot = skin(f.build.skin, to.light);
    to.painter.paint(leg_label[side], body, foot, 0.003f);
    const Vec2 along = unit(toe - ankle.p), across = perpendicular(along);
    for (float t : {0.15f, 0.5f, 0.8f}) {
      const Vec2 c = mix(ankle.p, toe, t);
      to.painter.paint(
          label,
          within(body,
                 tube({{c - across * 0.04f, 0.006f}, {c + along * 0.004f, 0.006f}, {c + across * 0.04f, 0.006f}})),
          upper, 0.003f);
    }
    return;
  }
  if (shoes.style == ShoeStyle::pumps) {  // cut low: the instep stays bare
    to.painter.paint(leg_label[side], body, skin(f.build.skin, to.light), 0.003f);
    to.painter.paint(label,
                     without(body, ellipse(mix(ankle.p, toe, 0.28f), {0.75f * r, length(toe - ankle.p) * 0.42f},
                                           std::atan2(toe.x - ankle.p.x, toe.y - ankle.p.y) * -1.0f)),
                     upper, 0.002f);
    return;
  }
  to.painter.paint(label, body, upper, 0.003f);
  if (shoes.style == ShoeStyle::boots) {
    const float up = 1 - mix(0.08f, 0.46f, shoes.shaft);
    to.painter.paint(label, tube(f.leg_part(side, up, 1.0f, 0.0055f), true), upper, 0.004f);
    return;
  }
  to.painter.darken(ellipse(ankle.p + Vec2{0, 0.004f}, {1.0f * ankle.radius, 0.006f}), 0.004f, 0.5f);
  if (shoes.style == ShoeStyle::sneakers) {  // tongue and laces
    const Vec2 along = unit(toe - ankle.p), across = perpendicular(along) * (0.45f * r);
    const Shader lace = [&](Vec2, const Surface& s) { return to.light.shade(s.normal, shoes.sole); };
    for (float t : {0.25f, 0.38f, 0.51f, 0.64f}) {
      const Vec2 c = mix(ankle.p, toe, t);
      to.painter.decorate(tube({{c - across, 0.0016f}, {c + across, 0.0016f}}), lace, 0.9f);
    }
  }
}

void draw_leg(const Drawing& to, const Lower& lower, const Shoes& shoes, int side) {
  const Figure& f = to.figure;
  to.painter.paint(leg_label[side], tube(f.leg_part(side, 0, 1, 0)), skin(f.build.skin, to.light), 0.004f);
  const Vec2 knee = f.leg[side][2].p;
  to.painter.darken(ellipse(knee + Vec2{0, 0.02f}, {0.016f, 0.006f}), 0.008f, 0.15f);
  const bool covers = lower.kind == LowerKind::pants || lower.kind == LowerKind::shorts;
  const bool tucked_in =
      covers && shoes.style == ShoeStyle::boots && lower.flare < 0.45f;  // narrow trousers go into the boots
  if (!tucked_in) draw_shoe(to, shoes, side);
  if (covers) {
    const std::vector<TubePoint> points = trouser_leg(f, lower, side);
    Shape leg = tube(points, false, true);
    if (lower.ripped) {
      const Vec2 hole = knee + Vec2{0, 0.012f};
      const std::uint32_t seed = lower.fabric.seed + static_cast<std::uint32_t>(side);
      leg = without(std::move(leg), displaced(ellipse(hole, {0.022f, 0.011f}), 0.008f, [seed](Vec2 p, const Surface&) {
                      return 0.008f * noise(p * 120, seed);
                    }));
    }
    to.painter.paint(Label::pants, leg, cloth(lower.fabric, to.light), 0.006f);
    const TubePoint end = points.back();
    seam(to, {{end.p + Vec2{-end.radius, -0.012f}, 0.0008f}, {end.p + Vec2{end.radius, -0.012f}, 0.0008f}});
    if (tucked_in) draw_shoe(to, shoes, side);
  }
}

void draw_lower(const Drawing& to, const Outfit& outfit) {
  const Figure& f = to.figure;
  const Lower& lower = outfit.lower;
  const float top = waist_line(f);
  if (lower.kind == LowerKind::skirt || lower.kind == LowerKind::dress) {
    to.painter.paint(lower.kind == LowerKind::skirt ? Label::skirt : Label::dress, skirt_shape(f, lower),
                     cloth(lower.fabric, to.light), 0.016f);
    return;
  }
  const Shape legs = either(tube(trouser_leg(f, lower, 0)), tube(trouser_leg(f, lower, 1)));
  to.painter.paint(Label::pants, dividing(seat_shape(f, lower), legs, f.pelvis.y - 0.02f, f.pelvis.y + 0.05f),
                   cloth(lower.fabric, to.light), 0);
  const float x = f.pelvis.x, crotch = f.pelvis.y + 0.05f;
  seam(to, {{{x, top}, 0.0007f}, {{x + 0.002f, mix(top, crotch, 0.5f)}, 0.0007f}, {{x, crotch + 0.012f}, 0.0012f}});
  const Row hip = f.trunk_row(mix(top, f.pelvis.y, 0.3f), 0);
  seam(to, {{{hip.left + 0.028f, top + 0.012f}, 0.0008f},
            {{hip.left + 0.02f, top + 0.03f}, 0.0008f},
            {{hip.left - 0.004f, top + 0.048f}, 0.0008f}});
  seam(to, {{{hip.right - 0.028f, top + 0.012f}, 0.0008f},
            {{hip.right - 0.02f, top + 0.03f}, 0.0008f},
            {{hip.right + 0.004f, top + 0.048f}, 0.0008f}});
}

}  // namespace weft::synthetic
