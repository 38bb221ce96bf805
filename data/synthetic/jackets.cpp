// Jackets and coats.

#include "data/synthetic/outfit.h"
#include "data/synthetic/tailoring.h"

namespace weft::synthetic {

void draw_jacket_back(const Drawing& to, const Jacket& jacket) {
  if (jacket.style == JacketStyle::none || jacket.style == JacketStyle::closed_coat) return;
  Fabric lining = jacket.fabric;
  lining.base = lining.base * 0.35f;
  lining.second = lining.second * 0.35f;
  const Figure& f = to.figure;
  to.painter.paint(Label::upper_clothes,
                   column(hanging(f.trunk(f.pelvis.y + jacket.bottom - 0.012f, 0.6f * jacket.ease), 0.8f)),
                   cloth(lining, to.light), 0);
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
  const float t = f.throat(), gap = jacket.gap, x = f.waist.x;
  const bool closed = jacket.style == JacketStyle::closed_coat;
  const float v_end = closed ? 0.085f : 0.2f;
  std::vector<Vec2> opening = symmetric({{1.1f * t, -0.04f}, {0, v_end}}, n);
  if (!closed)
    opening = {n + Vec2{1.15f * t, -0.04f},      {x + gap, n.y + v_end}, {x + 1.5f * gap, bottom + 0.05f},
               {x - 1.5f * gap, bottom + 0.05f}, {x - gap, n.y + v_end}, n + Vec2{-1.15f * t, -0.04f}};
  shape = without(std::move(shape), outline(opening, 0.01f, false));
  const Shader shader = cloth(jacket.fabric, to.light);
  to.painter.paint(Label::upper_clothes, shape, shader, 0.012f);
  const bool lapels = jacket.style == JacketStyle::blazer || jacket.style == JacketStyle::coat || closed;
  if (lapels) {
    const Shader facing = cloth(jacket.lapel, to.light);
    for (int side : {0, 1}) {
      const float s = side_sign(side), end_x = closed ? n.x : x + s * gap;
      to.painter.paint(Label::upper_clothes,
                       outline({n + Vec2{s * 1.15f * t, -0.03f},
                                n + Vec2{s * 1.75f * t, 0.012f},
                                n + Vec2{s * 2.15f * t, 0.5f * v_end},
                                {end_x + s * 0.012f, n.y + 0.93f * v_end},
                                {end_x, n.y + v_end},
                                mix(n + Vec2{s * 1.15f * t, -0.03f}, {end_x, n.y + v_end}, 0.5f)},
                               0.02f, false),
                       facing, 0.006f);
    }
  }
  if (closed)
    draw_buttons(to, n + Vec2{0.012f, v_end + 0.02f}, {x + 0.012f, mix(f.pelvis.y, bottom, 0.5f)}, jacket.lapel.second,
                 0.0052f);
  for (int side : {0, 1}) {  // pocket flaps
    const float s = side_sign(side);
    const Row row = f.trunk_row(f.pelvis.y - 0.03f, 0);
    const float px = mix(x, side == 0 ? row.left : row.right, 0.68f);
    if (jacket.bottom > -0.02f && std::abs(px - x) > 1.6f * gap + 0.02f)
      seam(to,
           {{{px - 0.022f, f.pelvis.y - 0.026f + s * 0.002f}, 0.001f},
            {{px + 0.022f, f.pelvis.y - 0.026f - s * 0.002f}, 0.001f}},
           0.5f);
  }
  if (jacket.style == JacketStyle::bomber) {
    for (int side : {0, 1}) {  // the zip, open
      const float s = side_sign(side);
      const Shape zip =
          tube({{{x + s * (gap + 0.003f), n.y + v_end}, 0.0022f}, {{x + s * 1.3f * gap, bottom}, 0.0022f}});
      to.painter.decorate(
          zip,
          [&](Vec2, const Surface& z) {
            return to.light.shade(z.normal, {0.45f, 0.45f, 0.46f}, 0.6f);
          },
          0.8f);
    }
    for (float k : {0.0f, 1.0f, 2.0f})
      seam(to,
           {{{rows.back().left, bottom - 0.006f - 0.005f * k}, 0.0006f},
            {{x, bottom + 0.005f - 0.005f * k}, 0.0006f},
            {{rows.back().right, bottom - 0.006f - 0.005f * k}, 0.0006f}},
           0.25f);
  }
}

}  // namespace weft::synthetic
