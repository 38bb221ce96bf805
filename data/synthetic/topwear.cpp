// Tops and the upper halves of dresses.

#include "data/synthetic/outfit.h"
#include "data/synthetic/tailoring.h"

namespace weft::synthetic {

namespace {

/// What a neckline leaves open.
Shape neck_opening(const Figure& f, Neckline neckline) {
  const Vec2 n = f.neck;
  const float t = f.throat();
  switch (neckline) {
    case Neckline::crew: return ellipse(n + Vec2{0, -0.006f}, {1.15f * t, 0.026f});
    case Neckline::scoop: return ellipse(n + Vec2{0, 0.002f}, {1.45f * t, 0.058f});
    case Neckline::boat: return ellipse(n + Vec2{0, -0.004f}, {2.1f * t, 0.028f});
    case Neckline::straps:
      return outline(symmetric({{1.75f * t, -0.05f}, {1.5f * t, 0.045f}, {0.8f * t, 0.075f}, {0, 0.08f}}, n), 0.02f);
    case Neckline::v: return outline(symmetric({{1.25f * t, -0.03f}, {0.7f * t, 0.03f}, {0, 0.088f}}, n), 0.02f, false);
    case Neckline::shirt: return outline(symmetric({{0.9f * t, -0.03f}, {0, 0.042f}}, n), 0.02f, false);
    case Neckline::turtleneck: break;
  }
  return ellipse(n + Vec2{0, -0.2f}, {0.001f, 0.001f});
}

void draw_collar(const Drawing& to, Label label, const Top& top) {
  const Figure& f = to.figure;
  const Shader shader = cloth(top.fabric, to.light);
  const float t = f.throat();
  if (top.neckline == Neckline::turtleneck) {
    const Vec2 chin = head_point(f, 0, 0.36f);
    to.painter.paint(label,
                     column({{chin.y, chin.x - 0.98f * t, chin.x + 0.98f * t},
                             {mix(chin.y, f.neck.y, 0.6f), mix(chin.x, f.neck.x, 0.6f) - 1.06f * t,
                              mix(chin.x, f.neck.x, 0.6f) + 1.06f * t},
                             {f.neck.y + 0.004f, f.neck.x - 1.35f * t, f.neck.x + 1.35f * t}},
                            0.012f),
                     shader, 0.004f);
  } else if (top.neckline == Neckline::shirt) {
    for (int side : {0, 1}) {
      const float sign = side_sign(side);
      const Vec2 n = f.neck;
      to.painter.paint(label,
                       outline({n + Vec2{sign * 1.05f * t, -0.026f}, n + Vec2{sign * 0.95f * t, -0.012f},
                                n + Vec2{sign * 0.05f * t, 0.03f}, n + Vec2{sign * 0.75f * t, 0.052f},
                                n + Vec2{sign * 1.4f * t, 0.006f}},
                               0.012f, false),
                       shader, 0.005f);
    }
  }
}

/// The ribbed hem of a sweater: `height` tall above the last row.
void draw_ribs(const Drawing& to, const Row& hem, float height) {
  if (height <= 0) return;
  const float width = hem.right - hem.left;
  seam(to,
       {{{hem.left, hem.y - height}, 0.0006f},
        {{hem.left + 0.5f * width, hem.y - height + 0.011f}, 0.0006f},
        {{hem.right, hem.y - height}, 0.0006f}},
       0.35f);
  for (float t = 0.04f; t < 0.98f; t += 0.035f) {
    const float x = hem.left + t * width, sag = 0.012f * (1 - (2 * t - 1) * (2 * t - 1));
    seam(to, {{{x, hem.y - height + sag}, 0.0003f}, {{x, hem.y + sag}, 0.0003f}}, 0.2f);
  }
}

}  // namespace

void draw_top(const Drawing& to, const Outfit& outfit) {
  const Figure& f = to.figure;
  const Top& top = outfit.top;
  const bool dress = outfit.lower.kind == LowerKind::dress;
  const Label label = dress ? Label::dress : Label::upper_clothes;
  const float bottom = dress || top.tucked ? waist_line(f) + 0.04f : f.pelvis.y + top.bottom;
  std::vector<Row> rows = hanging(f.trunk(bottom, top.ease), dress || top.tucked ? 0.2f : top.boxy);
  if (top.sleeve <= 0) {  // armholes end short of the shoulders
    const float right = f.arm[0][0].p.x, left = f.arm[1][0].p.x,
                keep = top.neckline == Neckline::straps ? 0.62f : 0.86f;
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
  if (top.neckline == Neckline::crew || top.neckline == Neckline::scoop ||
      top.neckline == Neckline::v)  // the bound edge
    to.painter.darken(
        within(displaced(neck_opening(f, top.neckline), 0.006f, [](Vec2, const Surface&) { return 0.006f; }), shape),
        0.001f, 0.22f);
  if (top.print && !dress) {
    const Vec2 c = mix(f.chest, f.waist, 0.12f);
    const bool round = (top.fabric.seed & 1u) != 0;
    const Shape field = round ? ellipse(c, {0.038f, 0.038f})
                              : outline({c + Vec2{-0.045f, -0.03f}, c + Vec2{0.045f, -0.03f}, c + Vec2{0.045f, 0.034f},
                                         c + Vec2{-0.045f, 0.034f}},
                                        0.001f, false);
    to.painter.decorate(within(shape, field), cloth(top.print_fabric, to.light), 0.92f);
  }
  if (top.neckline == Neckline::crew || top.neckline == Neckline::turtleneck)
    draw_ribs(to, rows.back(), dress || top.tucked ? 0.0f : 0.016f);
  if (top.buttons) draw_buttons(to, f.neck + Vec2{0, 0.05f}, {f.waist.x, bottom}, top.fabric.second, 0.0032f);
  draw_collar(to, label, top);
  if (!dress && !top.tucked)
    seam(to,
         {{{rows.back().left, bottom - 0.006f}, 0.0007f},
          {{f.pelvis.x, bottom + 0.004f}, 0.0007f},
          {{rows.back().right, bottom - 0.006f}, 0.0007f}},
         0.25f);
}

}  // namespace weft::synthetic
