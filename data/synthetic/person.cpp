#include "data/synthetic/person.h"

namespace weft::synthetic {

namespace {

/// The bag as this pose can carry it: in a hand that hangs down, or else over the shoulder.
Bag carried(const Figure& f, Bag bag) {
  if (bag.style != BagStyle::handbag && bag.style != BagStyle::tote) return bag;
  const auto holds = [&](int side) {
    const ArmPose pose = f.arm_pose[side];
    return pose == ArmPose::down || pose == ArmPose::bent || pose == ArmPose::on_hip || pose == ArmPose::aside;
  };
  if (!holds(bag.side)) bag.side = 1 - bag.side;
  if (!holds(bag.side)) bag.style = BagStyle::shoulder;
  return bag;
}

}  // namespace

void draw_person(const Drawing& to, const Outfit& outfit) {
  const Figure& f = to.figure;
  const bool hat = outfit.headwear.hat != HatStyle::none;
  const auto behind = [&](int side) { return f.arm[side][4].z < -0.05f && !f.arm_in_front[side]; };
  const auto in_pocket = [&](int side) { return f.arm_pose[side] == ArmPose::pocket; };
  const auto arm = [&](int side) {
    draw_arm(to, outfit, side, !in_pocket(side));
    if (!in_pocket(side)) return;
    const Vec2 wrist = f.arm[side][4].p, across{0.021f, 0.005f * side_sign(side)};
    to.painter.darken(tube({{wrist - across, 0.001f}, {wrist + across, 0.001f}}), 0.005f, 0.55f);  // the slit
  };

  const Bag bag = carried(f, outfit.bag);
  draw_bag_behind(to, bag);
  draw_hair_behind(to, outfit.hair, hat);
  for (int side : {0, 1})
    if (behind(side)) arm(side);
  draw_jacket_back(to, outfit.jacket);
  for (int side : {0, 1})
    if (in_pocket(side)) draw_arm(to, outfit, side, true);
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
  const bool strap_under_arm = bag.style != BagStyle::handbag && bag.style != BagStyle::tote;
  if (strap_under_arm) draw_bag(to, bag);
  for (int side : {0, 1})
    if (!behind(side) && !f.arm_in_front[side]) arm(side);
  draw_scarf(to, outfit.scarf);
  draw_face(to, outfit.face, outfit.hair);
  draw_hair(to, outfit.hair, hat);
  if (outfit.headwear.sunglasses) draw_sunglasses(to, outfit.headwear);
  draw_hat(to, outfit.headwear);
  for (int side : {0, 1})
    if (f.arm_in_front[side]) arm(side);
  if (!strap_under_arm) draw_bag(to, bag);
}

}  // namespace weft::synthetic
