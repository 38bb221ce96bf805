// Arms, hands and sleeves.

#include "data/synthetic/noise.h"
#include "data/synthetic/outfit.h"
#include "data/synthetic/tailoring.h"

namespace weft::synthetic {

namespace {

void draw_hand(const Drawing& to, int side) {
  const Figure& f = to.figure;
  const Label label = arm_label[side];
  const Joint &wrist = f.arm[side][4], &before = f.arm[side][3];
  const float k = f.camera.magnification(wrist.z), r = wrist.radius;
  const Vec2 along = unit(wrist.p - before.p),
             inward = perpendicular(along) * (along.y > 0 ? side_sign(side) : -side_sign(side));
  const Shader shader = skin(f.build.skin, to.light);
  const bool fist = f.arm_pose[side] == ArmPose::down;
  const float reach = fist ? 0.038f * k : 0.048f * k;
  const Vec2 knuckles = wrist.p + along * (0.042f * k);
  to.painter.paint(label, tube({{wrist.p, r}, {wrist.p + along * (0.02f * k), 1.25f * r}, {knuckles, 1.32f * r}}),
                   shader, 0.004f);
  for (int finger = 0; finger < 4; ++finger) {
    const float spread = (static_cast<float>(finger) - 1.5f) / 1.5f, size = 1 - 0.16f * std::abs(spread + 0.2f);
    const Vec2 root = knuckles + inward * (spread * 0.95f * r),
               middle = root + along * (0.5f * reach * size) + inward * (spread * 0.15f * r + 0.1f * r);
    const Vec2 tip = middle + along * (0.48f * reach * size) + inward * (0.35f * r);
    to.painter.paint(label, tube({{root, 0.42f * r}, {middle, 0.4f * r}, {tip, 0.3f * r}}), shader, 0.0018f);
  }
  const Vec2 thumb = wrist.p + along * (0.018f * k) + inward * (1.1f * r);
  to.painter.paint(label,
                   tube({{thumb, 0.48f * r},
                         {thumb + along * (0.022f * k) + inward * (0.55f * r), 0.42f * r},
                         {thumb + along * (0.038f * k) + inward * (0.5f * r), 0.3f * r}}),
                   shader, 0.002f);
}

/// An arm or sleeve: grows out of the trunk, and throws its shadow from below the shoulder only.
void paint_limb(const Drawing& to, Label label, int side, Shape limb, float end, float ease, const Shader& shader,
                float lift) {
  const Figure& f = to.figure;
  to.painter.cast(tube(f.arm_part(side, std::min(0.34f, 0.8f * end), end, ease)), lift);
  to.painter.paint(label, rooted(std::move(limb), column(f.trunk(f.waist.y, ease)), 0.075f), shader, 0);
}

/// `wide` is what the sleeve adds to the arm at its end.
void draw_sleeve(const Drawing& to, Label label, const Fabric& fabric, int side, float end, float ease, float wide,
                 bool lace) {
  std::vector<TubePoint> points = to.figure.arm_part(side, 0, end, ease);
  points.back().radius += wide;
  Shape shape = tube(points, false, true);
  if (lace) {
    shape = {[inner = shape](Vec2 p) {
               Surface s = inner.at(p);
               const Cell cell = nearest_cell(Vec2{s.across, s.along} * 55, 11);
               if (s.part > 0.2f) s.d = std::max(s.d, (0.34f - cell.distance) / 55);
               return s;
             },
             shape.box};
  }
  paint_limb(to, label, side, shape, end, ease, cloth(fabric, to.light), 0.009f);
  const TubePoint cuff = points.back(), before = points[points.size() - 2];
  const Vec2 along = unit(cuff.p - before.p), across = perpendicular(along) * cuff.radius;
  const Vec2 hem = cuff.p - along * (end > 0.9f ? 0.016f : 0.009f);
  seam(to, {{hem - across, 0.0007f}, {hem + across, 0.0007f}}, 0.3f);
}

}  // namespace

void draw_arm(const Drawing& to, const Outfit& outfit, int side, bool with_hand) {
  const Figure& f = to.figure;
  const bool dress = outfit.lower.kind == LowerKind::dress;
  paint_limb(to, arm_label[side], side, tube(f.arm_part(side, 0, 1, 0)), 1, 0, skin(f.build.skin, to.light), 0.008f);
  if (with_hand) draw_hand(to, side);
  const Top& top = outfit.top;
  if (top.sleeve > 0)
    draw_sleeve(to, dress ? Label::dress : Label::upper_clothes, top.fabric, side, top.sleeve, 0.7f * top.ease + 0.002f,
                top.sleeve < 0.6f ? 0.003f : 0.001f, top.lace_sleeves);
  const Jacket& jacket = outfit.jacket;
  if (jacket.style != JacketStyle::none)
    draw_sleeve(to, Label::upper_clothes, jacket.fabric, side, 0.97f, 0.55f * jacket.ease + 0.003f, 0.003f, false);
  const float sleeve = jacket.style != JacketStyle::none ? 1.0f : top.sleeve;
  if (with_hand && f.arm_in_front[side] && sleeve > 0 && sleeve < 0.9f) {
    // A short sleeve must not cover the forearm that is held before it.
    const float from = std::max(0.5f, sleeve);
    to.painter.paint(arm_label[side], tube(f.arm_part(side, from, 1, 0)), skin(f.build.skin, to.light), 0.006f);
    draw_hand(to, side);
  }
}

}  // namespace weft::synthetic
