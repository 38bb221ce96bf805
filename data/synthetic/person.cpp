#include "data/synthetic/person.h"

namespace weft::synthetic {

namespace {

/// A hand in a pocket: the garment that has the pocket is laid over it once more, up to the pocket's slit.
void draw_pocket(const Drawing& to, const Outfit& outfit, int side) {
  const Figure& f = to.figure;
  const Joint& wrist = f.arm[side][4];
  const Vec2 along = unit(wrist.p - f.arm[side][3].p), across = perpendicular(along);
  const Vec2 c = wrist.p + along * 0.008f;
  const Shape patch = outline({c - across * 0.034f + along * 0.012f, c + across * 0.034f - along * 0.006f, c + across * 0.04f + along * 0.085f, c - across * 0.04f + along * 0.085f}, 0.03f);
  const bool coat = outfit.jacket.style == JacketStyle::coat || outfit.jacket.style == JacketStyle::closed_coat;
  const LowerKind kind = outfit.lower.kind;
  const Label label = coat ? Label::upper_clothes : kind == LowerKind::dress ? Label::dress : kind == LowerKind::skirt ? Label::skirt : Label::pants;
  to.painter.paint(label, patch, cloth(coat ? outfit.jacket.fabric : outfit.lower.fabric, to.light), 0);
  to.painter.darken(tube({{c - across * 0.03f + along * 0.012f, 0.001f}, {c + across * 0.03f - along * 0.004f, 0.001f}}), 0.004f, 0.5f);
}

}  // namespace

void draw_person(const Drawing& to, const Outfit& outfit) {
  const Figure& f = to.figure;
  const bool hat = outfit.headwear.hat != HatStyle::none;
  const auto behind = [&](int side) { return f.arm[side][4].z < -0.05f && !f.arm_in_front[side]; };
  const auto arm = [&](int side) {
    draw_arm(to, outfit, side);
    if (f.arm_pose[side] == ArmPose::pocket) draw_pocket(to, outfit, side);
  };

  draw_bag_behind(to, outfit.bag);
  draw_hair_behind(to, outfit.hair);
  for (int side : {0, 1}) if (behind(side)) arm(side);
  draw_jacket_back(to, outfit.jacket);
  const int far = f.leg[0][4].z < f.leg[1][4].z ? 0 : 1;
  draw_leg(to, outfit.lower, outfit.shoes, far);
  draw_leg(to, outfit.lower, outfit.shoes, 1 - far);
  draw_neck(to);
  const bool tucked = outfit.top.tucked || outfit.lower.kind == LowerKind::dress;
  if (tucked) draw_top(to, outfit);
  draw_lower(to, outfit);
  if (!tucked) draw_top(to, outfit);
  draw_belt(to, outfit);
  draw_jacket(to, outfit.jacket);
  const bool strap_under_arm = outfit.bag.style != BagStyle::handbag && outfit.bag.style != BagStyle::tote;
  if (strap_under_arm) draw_bag(to, outfit.bag);
  for (int side : {0, 1}) if (!behind(side) && !f.arm_in_front[side]) arm(side);
  draw_scarf(to, outfit.scarf);
  draw_face(to, outfit.face, outfit.hair);
  draw_hair(to, outfit.hair, hat);
  if (outfit.headwear.sunglasses) draw_sunglasses(to, outfit.headwear);
  draw_hat(to, outfit.headwear);
  for (int side : {0, 1}) if (f.arm_in_front[side]) arm(side);
  if (!strap_under_arm) draw_bag(to, outfit.bag);
}

}  // namespace weft::synthetic
