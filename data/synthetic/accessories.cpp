// Belts, scarves and bags.

#include "data/synthetic/noise.h"
#include "data/synthetic/outfit.h"

namespace weft::synthetic {

void draw_belt(const Drawing& to, const Outfit& outfit) {
  const Belt& belt = outfit.belt;
  if (!belt.worn) return;
  const Figure& f = to.figure;
  const float y = waist_line(f), ease = outfit.lower.kind == LowerKind::dress ? 0.004f : 0.7f * outfit.lower.ease;
  const Row above = f.trunk_row(y - belt.width, ease), below = f.trunk_row(y + belt.width, ease);
  to.painter.paint(Label::belt, column({above, f.trunk_row(y, ease), below}, 0.005f, 0.005f),
                   cloth(belt.leather, to.light), 0.004f);
  const Vec2 centre{0.5f * (above.left + above.right) + 0.002f, y + 0.005f};
  const Shape buckle = without(ellipse(centre, {1.25f * belt.width, 1.1f * belt.width}),
                               ellipse(centre, {0.75f * belt.width, 0.6f * belt.width}));
  to.painter.paint(
      Label::belt, buckle, [&](Vec2, const Surface& s) { return to.light.shade(s.normal, belt.leather.third, 0.9f); },
      0.002f);
}

void draw_scarf(const Drawing& to, const Scarf& scarf) {
  if (!scarf.worn) return;
  const Figure& f = to.figure;
  const Vec2 n = f.neck;
  const float t = f.throat();
  const Shader shader = cloth(scarf.fabric, to.light);
  const std::uint32_t seed = scarf.fabric.seed;
  for (int tail = 0; tail < scarf.tails; ++tail) {
    const float sign = tail == 0 ? 1.0f : -1.0f, width = 0.026f, end = scarf.length * (tail == 0 ? 1.0f : 0.82f);
    const Vec2 root = n + Vec2{sign * 0.02f, 0.03f};
    Shape fall = tube({{root, 0.8f * width},
                       {root + Vec2{sign * 0.012f, 0.5f * end}, width},
                       {root + Vec2{sign * 0.016f, end}, 1.05f * width}},
                      false, true);
    const float hem = root.y + end;
    fall = displaced(std::move(fall), 0.012f, [=](Vec2 p, const Surface& s) {  // a fringe: threads of uneven length
      const float threads = std::sin(s.across * 900) * 0.006f + 0.004f * noise({s.across * 200, 0}, seed);
      return smoothstep(hem - 0.012f, hem, p.y) * (threads - 0.002f);
    });
    to.painter.paint(Label::scarf, fall, shader, 0.009f);
  }
  // The turns around the neck: two rolls, the lower one wider.
  for (int turn = 0; turn < 2; ++turn) {
    const float k = static_cast<float>(turn), wide = (1.75f - 0.35f * k) * t, y = n.y + 0.006f - 0.014f * k,
                sag = 0.034f - 0.008f * k, r = 0.0175f - 0.002f * k;
    to.painter.paint(Label::scarf,
                     tube({{{n.x - wide, y - 0.012f}, 0.8f * r},
                           {{n.x - 0.55f * wide, y + 0.6f * sag}, r},
                           {{n.x + 0.004f, y + sag}, 1.1f * r},
                           {{n.x + 0.55f * wide, y + 0.55f * sag}, r},
                           {{n.x + wide, y - 0.012f}, 0.8f * r}}),
                     shader, 0.01f);
  }
}

namespace {

/// A bag's body: a box with soft corners, wider below, with a flap and a clasp. `top` is the middle of its upper edge.
void draw_bag_body(const Drawing& to, const Bag& bag, Vec2 top, float width, float height, float turn) {
  const auto at = [&](float x, float y) { return top + rotate({x * width, y * height}, turn); };
  const Shader shader = cloth(bag.fabric, to.light);
  to.painter.paint(Label::bag,
                   outline({at(-0.43f, 0), at(0, -0.02f), at(0.43f, 0), at(0.49f, 0.5f), at(0.5f, 0.93f), at(0.4f, 1),
                            at(0, 1.02f), at(-0.4f, 1), at(-0.5f, 0.93f), at(-0.49f, 0.5f)},
                           0.014f),
                   shader, 0.012f);
  if (bag.style == BagStyle::tote) return;
  to.painter.paint(Label::bag,
                   outline({at(-0.44f, -0.01f), at(0.44f, -0.01f), at(0.47f, 0.3f), at(0.25f, 0.52f), at(-0.25f, 0.52f),
                            at(-0.47f, 0.3f)},
                           0.01f),
                   shader, 0.004f);
  to.painter.decorate(ellipse(at(0, 0.5f), {0.005f, 0.004f}),
                      [&](Vec2, const Surface& s) { return to.light.shade(s.normal, bag.fabric.third, 0.9f); });
}

void draw_strap(const Drawing& to, const Bag& bag, const std::vector<TubePoint>& points) {
  to.painter.paint(Label::bag, tube(points), cloth(bag.fabric, to.light), 0.004f);
}

}  // namespace

void draw_bag_behind(const Drawing& to, const Bag& bag) {
  if (bag.style != BagStyle::backpack) return;
  const Figure& f = to.figure;
  const Row row = f.trunk_row(f.chest.y, 0);
  const float x = 0.5f * (row.left + row.right) - 0.35f * std::sin(f.yaw) * 0.12f;
  const float half = 0.5f * (row.right - row.left) + 0.016f;
  to.painter.paint(Label::bag,
                   column({{f.neck.y + 0.01f, x - 0.6f * half, x + 0.6f * half},
                           {f.neck.y + 0.03f, x - half, x + half},
                           {f.waist.y, x - 1.05f * half, x + 1.05f * half},
                           {f.waist.y + 0.05f, x - 0.8f * half, x + 0.8f * half}}),
                   cloth(bag.fabric, to.light), 0);
}

void draw_bag(const Drawing& to, const Bag& bag) {
  if (bag.style == BagStyle::none) return;
  const Figure& f = to.figure;
  const int side = bag.side;
  const float sign = side_sign(side);
  const Joint &shoulder = f.arm[side][0], &wrist = f.arm[side][4];
  const Row hip = f.trunk_row(f.pelvis.y, 0.01f);
  const float edge = side == 0 ? hip.left : hip.right;
  switch (bag.style) {
    case BagStyle::none: return;
    case BagStyle::backpack:
      for (int s : {0, 1}) {
        const Vec2 top = mix(f.neck, f.arm[s][0].p, 0.62f) + Vec2{0, -0.012f};
        const Row low = f.trunk_row(f.waist.y - 0.02f, 0);
        const float x = mix(0.5f * (low.left + low.right), s == 0 ? low.left : low.right, 0.86f);
        draw_strap(to, bag,
                   {{top, 0.009f},
                    {mix(f.neck, f.arm[s][0].p, 0.7f) + Vec2{0, 0.06f}, 0.0095f},
                    {{x, f.waist.y - 0.02f}, 0.007f}});
      }
      return;
    case BagStyle::handbag:
    case BagStyle::tote: {
      // Hangs from the hand by two handles.
      const Vec2 forearm = unit(wrist.p - f.arm[side][3].p), hand = wrist.p + forearm * 0.05f;
      const float w = (bag.style == BagStyle::tote ? 0.15f : 0.13f) * bag.size,
                  h = (bag.style == BagStyle::tote ? 0.17f : 0.095f) * bag.size, drop = 0.05f;
      const Vec2 top = hand + Vec2{0, drop};
      draw_strap(to, bag,
                 {{top + Vec2{-0.3f * w, 0.004f}, 0.004f},
                  {hand + Vec2{-0.2f * w, 0.012f}, 0.004f},
                  {hand, 0.004f},
                  {hand + Vec2{0.2f * w, 0.012f}, 0.004f},
                  {top + Vec2{0.3f * w, 0.004f}, 0.004f}});
      draw_bag_body(to, bag, top, w, h, 0);
      return;
    }
    case BagStyle::shoulder: {
      const Vec2 top = mix(f.neck, shoulder.p, 0.8f) + Vec2{0, -0.016f}, body{edge + sign * 0.022f, f.waist.y + 0.05f};
      draw_strap(to, bag,
                 {{top, 0.005f},
                  {mix(top, body, 0.5f) + Vec2{sign * 0.006f, 0}, 0.005f},
                  {body + Vec2{-sign * 0.02f, 0.01f}, 0.005f}});
      draw_bag_body(to, bag, body, 0.1f * bag.size, 0.1f * bag.size, sign * 0.06f);
      return;
    }
    case BagStyle::crossbody: {
      const Vec2 top = mix(f.neck, f.arm[1 - side][0].p, 0.7f) + Vec2{0, -0.012f},
                 body{edge - sign * 0.012f, f.pelvis.y - 0.035f};
      draw_strap(to, bag,
                 {{top, 0.0055f},
                  {mix(top, body, 0.5f) + Vec2{sign * 0.004f, -0.008f}, 0.0055f},
                  {body + Vec2{0, 0.008f}, 0.0055f}});
      draw_bag_body(to, bag, body, 0.105f * bag.size, 0.08f * bag.size, sign * 0.08f);
      return;
    }
  }
}

}  // namespace weft::synthetic
