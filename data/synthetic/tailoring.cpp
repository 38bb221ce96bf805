#include "data/synthetic/tailoring.h"

namespace weft::synthetic {

void seam(const Drawing& to, const std::vector<TubePoint>& points, float strength) {
  to.painter.darken(tube(points), 0.0025f, strength);
}

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

void draw_buttons(const Drawing& to, Vec2 top, Vec2 bottom, Colour colour, float radius) {
  seam(to, {{top + Vec2{-0.008f, 0}, 0.0007f}, {bottom + Vec2{-0.008f, 0}, 0.0007f}});
  const int count = std::max(2, static_cast<int>(length(bottom - top) / 0.042f));
  for (int k = 0; k < count; ++k) {
    const Vec2 c = mix(top, bottom, (static_cast<float>(k) + 0.4f) / static_cast<float>(count));
    to.painter.decorate(ellipse(c, {radius, radius}),
                        [&](Vec2, const Surface& s) { return to.light.shade(s.normal, colour, 0.5f); });
  }
}

}  // namespace weft::synthetic
