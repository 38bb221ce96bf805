// Tops, dresses' upper halves, jackets, arms.

#include "data/synthetic/noise.h"
#include "data/synthetic/outfit.h"

namespace weft::synthetic {

namespace {

void seam(const Drawing& to, const std::vector<TubePoint>& points, float strength = 0.4f) { to.painter.darken(tube(points), 0.0025f, strength); }

/// The trunk's borders with the waist filled up: each border is pulled towards the widest row below the chest.
std::vector<Row> hanging(std::vector<Row> rows, float boxy) {
  float left = 1e9f, right = -1e9f;
  for (std::size_t i = 4; i < rows.size(); ++i) {
    left = std::min(left, rows[i].left);
    right = std::max(right, rows[i].right);
  }
  for (std::size_t i = 5; i < rows.size(); ++i) {
    rows[i].left = mix(rows[i].left, left, boxy);
    rows[i].right = mix(rows[i].right, right, boxy);
  }
  return rows;
}

/// What a neckline leaves open.
Shape neck_opening(const Figure& f, Neckline neckline) {
  const Vec2 n = f.neck;
  const float t = 0.036f * f.build.girth;
  switch (neckline) {
    case Neckline::crew: return ellipse(n + Vec2{0, -0.006f}, {1.15f * t, 0.026f});
    case Neckline::scoop: return ellipse(n + Vec2{0, 0.002f}, {1.45f * t, 0.058f});
    case Neckline::boat: return ellipse(n + Vec2{0, -0.004f}, {2.1f * t, 0.028f});
    case Neckline::straps: return outline({n + Vec2{-1.75f * t, -0.05f}, n + Vec2{-1.5f * t, 0.045f}, n + Vec2{-0.8f * t, 0.075f}, n + Vec2{0, 0.08f}, n + Vec2{0.8f * t, 0.075f}, n + Vec2{1.5f * t, 0.045f}, n + Vec2{1.75f * t, -0.05f}}, 0.02f);
    case Neckline::v: return outline({n + Vec2{-1.25f * t, -0.03f}, n + Vec2{-0.7f * t, 0.03f}, n + Vec2{0, 0.088f}, n + Vec2{0.7f * t, 0.03f}, n + Vec2{1.25f * t, -0.03f}}, 0.02f, false);
    case Neckline::shirt: return outline({n + Vec2{-0.9f * t, -0.03f}, n + Vec2{0, 0.042f}, n + Vec2{0.9f * t, -0.03f}}, 0.02f, false);
    case Neckline::turtleneck: break;
  }
  return ellipse(n + Vec2{0, -0.2f}, {0.001f, 0.001f});
}

void draw_collar(const Drawing& to, Label label, const Top& top) {
  const Figure& f = to.figure;
  const Shader shader = cloth(top.fabric, to.light);
  const float t = 0.036f * f.build.girth;
  if (top.neckline == Neckline::turtleneck) {
    const Vec2 chin = head_point(f, 0, 0.36f);
    to.painter.paint(label, column({{chin.y, chin.x - 0.98f * t, chin.x + 0.98f * t}, {mix(chin.y, f.neck.y, 0.6f), mix(chin.x, f.neck.x, 0.6f) - 1.06f * t, mix(chin.x, f.neck.x, 0.6f) + 1.06f * t}, {f.neck.y + 0.004f, f.neck.x - 1.35f * t, f.neck.x + 1.35f * t}}, 0.012f), shader, 0.004f);
  } else if (top.neckline == Neckline::shirt) {
    for (int side : {0, 1}) {
      const float sign = side_sign(side);
      const Vec2 n = f.neck;
      to.painter.paint(label, outline({n + Vec2{sign * 1.05f * t, -0.026f}, n + Vec2{sign * 0.95f * t, -0.012f}, n + Vec2{sign * 0.05f * t, 0.03f}, n + Vec2{sign * 0.75f * t, 0.052f}, n + Vec2{sign * 1.4f * t, 0.006f}}, 0.012f, false), shader, 0.005f);
    }
  }
}

void draw_buttons(const Drawing& to, Vec2 top, Vec2 bottom, Colour colour, float radius) {
  seam(to, {{top + Vec2{-0.008f, 0}, 0.0007f}, {bottom + Vec2{-0.008f, 0}, 0.0007f}});
  const int count = std::max(2, static_cast<int>(length(bottom - top) / 0.042f));
  for (int k = 0; k < count; ++k) {
    const Vec2 c = mix(top, bottom, (static_cast<float>(k) + 0.4f) / static_cast<float>(count));
    to.painter.decorate(ellipse(c, {radius, radius}), [&](Vec2, const Surface& s) { return to.light.shade(s.normal, colour, 0.5f); });
  }
}

void draw_hand(const Drawing& to, int side) {
  const Figure& f = to.figure;
  const Label label = arm_label[side];
  const Joint &wrist = f.arm[side][4], &before = f.arm[side][3];
  const float k = f.camera.magnification(wrist.z), r = wrist.radius;
  const Vec2 along = unit(wrist.p - before.p), inward = perpendicular(along) * (along.y > 0 ? side_sign(side) : -side_sign(side));
  const Shader shader = skin(f.build.skin, to.light);
  const bool fist = f.arm_pose[side] == ArmPose::down;
  const float reach = fist ? 0.038f * k : 0.048f * k;
  const Vec2 knuckles = wrist.p + along * (0.042f * k);
  to.painter.paint(label, tube({{wrist.p, r}, {wrist.p + along * (0.02f * k), 1.25f * r}, {knuckles, 1.32f * r}}), shader, 0.004f);
  for (int finger = 0; finger < 4; ++finger) {
    const float spread = (static_cast<float>(finger) - 1.5f) / 1.5f, size = 1 - 0.16f * std::abs(spread + 0.2f);
    const Vec2 root = knuckles + inward * (spread * 0.95f * r), middle = root + along * (0.5f * reach * size) + inward * (spread * 0.15f * r + 0.1f * r);
    const Vec2 tip = middle + along * (0.48f * reach * size) + inward * (0.35f * r);
    to.painter.paint(label, tube({{root, 0.42f * r}, {middle, 0.4f * r}, {tip, 0.3f * r}}), shader, 0.0018f);
  }
  const Vec2 thumb = wrist.p + along * (0.018f * k) + inward * (1.1f * r);
  to.painter.paint(label, tube({{thumb, 0.48f * r}, {thumb + along * (0.022f * k) + inward * (0.55f * r), 0.42f * r}, {thumb + along * (0.038f * k) + inward * (0.5f * r), 0.3f * r}}), shader, 0.002f);
}

/// An arm or sleeve: grows out of the trunk, and throws its shadow from below the shoulder only.
void paint_limb(const Drawing& to, Label label, int side, Shape limb, float end, float ease, const Shader& shader, float lift) {
  const Figure& f = to.figure;
  to.painter.cast(tube(f.arm_part(side, std::min(0.34f, 0.8f * end), end, ease)), lift);
  to.painter.paint(label, rooted(std::move(limb), column(f.trunk(f.waist.y, ease)), 0.075f), shader, 0);
}

/// `wide` is what the sleeve adds to the arm at its end.
void draw_sleeve(const Drawing& to, Label label, const Fabric& fabric, int side, float end, float ease, float wide, bool lace) {
  std::vector<TubePoint> points = to.figure.arm_part(side, 0, end, ease);
  points.back().radius += wide;
  Shape shape = tube(points, false, true);
  if (lace) {
    shape = {[inner = std::move(shape)](Vec2 p) {
               Surface s = inner.at(p);
               const Cell cell = nearest_cell(Vec2{s.across, s.along} * 55, 11);
               if (s.part > 0.2f) s.d = std::max(s.d, (0.34f - cell.distance) / 55);
               return s;
             }, shape.box};
  }
  paint_limb(to, label, side, shape, end, ease, cloth(fabric, to.light), 0.009f);
  const TubePoint cuff = points.back(), before = points[points.size() - 2];
  const Vec2 along = unit(cuff.p - before.p), across = perpendicular(along) * cuff.radius;
  const Vec2 hem = cuff.p - along * (end > 0.9f ? 0.016f : 0.009f);
  seam(to, {{hem - across, 0.0007f}, {hem + across, 0.0007f}}, 0.3f);
}

}  // namespace

void draw_top(const Drawing& to, const Outfit& outfit) {
  const Figure& f = to.figure;
  const Top& top = outfit.top;
  const bool dress = outfit.lower.kind == LowerKind::dress;
  const Label label = dress ? Label::dress : Label::upper_clothes;
  const float bottom = dress || top.tucked ? waist_line(f) + 0.008f : f.pelvis.y + top.bottom;
  std::vector<Row> rows = hanging(f.trunk(bottom, top.ease), dress || top.tucked ? 0.2f : top.boxy);
  if (top.sleeve <= 0) {  // armholes end short of the shoulders
    const float right = f.arm[0][0].p.x, left = f.arm[1][0].p.x, keep = top.neckline == Neckline::straps ? 0.62f : 0.86f;
    for (int i : {2, 3}) {
      rows[i].left = std::max(rows[i].left, mix(f.neck.x, right, keep));
      rows[i].right = std::min(rows[i].right, mix(f.neck.x, left, keep));
    }
  }
  const Shape shape = without(column(rows, dress ? 0.004f : 0.012f), neck_opening(f, top.neckline));
  to.painter.paint(label, shape, cloth(top.fabric, to.light), 0.007f);
  if (f.build.feminine > 0.5f)  // the bust throws a soft shadow
    for (int side : {0, 1})
      to.painter.darken(ellipse(f.chest + Vec2{side_sign(side) * 0.036f, 0.022f}, {0.03f, 0.007f}), 0.014f, 0.28f);
  if (top.neckline == Neckline::crew || top.neckline == Neckline::scoop || top.neckline == Neckline::v)  // the bound edge
    to.painter.darken(within(displaced(neck_opening(f, top.neckline), 0.006f, [](Vec2, const Surface&) { return 0.006f; }), shape), 0.001f, 0.22f);
  if (top.buttons) draw_buttons(to, f.neck + Vec2{0, 0.05f}, {f.waist.x, bottom}, top.fabric.second, 0.0032f);
  draw_collar(to, label, top);
  if (!dress && !top.tucked) seam(to, {{{rows.back().left, bottom - 0.006f}, 0.0007f}, {{f.pelvis.x, bottom + 0.004f}, 0.0007f}, {{rows.back().right, bottom - 0.006f}, 0.0007f}}, 0.25f);
}

void draw_jacket_back(const Drawing& to, const Jacket& jacket) {
  if (jacket.style == JacketStyle::none || jacket.style == JacketStyle::closed_coat) return;
  Fabric lining = jacket.fabric;
  lining.base = lining.base * 0.35f;
  lining.second = lining.second * 0.35f;
  const Figure& f = to.figure;
  to.painter.paint(Label::upper_clothes, column(hanging(f.trunk(f.pelvis.y + jacket.bottom - 0.012f, 0.6f * jacket.ease), 0.8f)), cloth(lining, to.light), 0);
}

void draw_jacket(const Drawing& to, const Jacket& jacket) {
  if (jacket.style == JacketStyle::none) return;
  const Figure& f = to.figure;
  const float bottom = f.pelvis.y + jacket.bottom;
  std::vector<Row> rows = hanging(f.trunk(bottom, jacket.ease), jacket.style == JacketStyle::blazer ? 0.55f : 0.8f);
  for (Row& row : rows) {  // below the hips it swings out
    const float swing = 0.12f * std::max(0.0f, row.y - f.pelvis.y);
    row.left -= swing;
    row.right += swing;
  }
  Shape shape = column(rows, 0.012f);
  const Vec2 n = f.neck;
  const float t = 0.036f * f.build.girth, gap = jacket.gap, x = f.waist.x;
  const bool closed = jacket.style == JacketStyle::closed_coat;
  const float v_end = closed ? 0.085f : 0.2f;
  const std::vector<Vec2> opening = closed
      ? std::vector<Vec2>{n + Vec2{-1.1f * t, -0.04f}, n + Vec2{0, v_end}, n + Vec2{1.1f * t, -0.04f}}
      : std::vector<Vec2>{n + Vec2{-1.15f * t, -0.04f}, {x - gap, n.y + v_end}, {x - 1.5f * gap, bottom + 0.05f}, {x + 1.5f * gap, bottom + 0.05f}, {x + gap, n.y + v_end}, n + Vec2{1.15f * t, -0.04f}};
  shape = without(std::move(shape), outline(opening, 0.01f, false));
  const Shader shader = cloth(jacket.fabric, to.light);
  to.painter.paint(Label::upper_clothes, shape, shader, 0.012f);
  const bool lapels = jacket.style == JacketStyle::blazer || jacket.style == JacketStyle::coat || closed;
  if (lapels) {
    const Shader facing = cloth(jacket.lapel, to.light);
    for (int side : {0, 1}) {
      const float s = side_sign(side), end_x = closed ? n.x : x + s * gap;
      to.painter.paint(Label::upper_clothes, outline({n + Vec2{s * 1.15f * t, -0.03f}, n + Vec2{s * 1.75f * t, 0.012f}, n + Vec2{s * 2.15f * t, 0.5f * v_end}, {end_x + s * 0.012f, n.y + 0.93f * v_end}, {end_x, n.y + v_end}, mix(n + Vec2{s * 1.15f * t, -0.03f}, {end_x, n.y + v_end}, 0.5f)}, 0.02f, false), facing, 0.006f);
    }
  }
  if (closed) draw_buttons(to, n + Vec2{0.012f, v_end + 0.02f}, {x + 0.012f, mix(f.pelvis.y, bottom, 0.5f)}, jacket.lapel.second, 0.0052f);
  for (int side : {0, 1}) {  // pocket flaps
    const float s = side_sign(side);
    const Row row = f.trunk_row(f.pelvis.y - 0.03f, 0);
    const float px = mix(x, side == 0 ? row.left : row.right, 0.68f);
    if (jacket.bottom > -0.02f && std::abs(px - x) > 1.6f * gap + 0.02f) seam(to, {{{px - 0.022f, f.pelvis.y - 0.026f + s * 0.002f}, 0.001f}, {{px + 0.022f, f.pelvis.y - 0.026f - s * 0.002f}, 0.001f}}, 0.5f);
  }
  if (jacket.style == JacketStyle::bomber) {
    for (float k : {0.0f, 1.0f, 2.0f}) seam(to, {{{rows.back().left, bottom - 0.006f - 0.005f * k}, 0.0006f}, {{x, bottom + 0.005f - 0.005f * k}, 0.0006f}, {{rows.back().right, bottom - 0.006f - 0.005f * k}, 0.0006f}}, 0.25f);
  }
}

void draw_arm(const Drawing& to, const Outfit& outfit, int side, bool with_hand) {
  const Figure& f = to.figure;
  const bool dress = outfit.lower.kind == LowerKind::dress;
  paint_limb(to, arm_label[side], side, tube(f.arm_part(side, 0, 1, 0)), 1, 0, skin(f.build.skin, to.light), 0.008f);
  if (with_hand) draw_hand(to, side);
  const Top& top = outfit.top;
  if (top.sleeve > 0) draw_sleeve(to, dress ? Label::dress : Label::upper_clothes, top.fabric, side, top.sleeve, 0.7f * top.ease + 0.002f, top.sleeve < 0.6f ? 0.003f : 0.001f, top.lace_sleeves);
  const Jacket& jacket = outfit.jacket;
  if (jacket.style != JacketStyle::none) draw_sleeve(to, Label::upper_clothes, jacket.fabric, side, 0.97f, 0.55f * jacket.ease + 0.003f, 0.003f, false);
}

}  // namespace weft::synthetic
