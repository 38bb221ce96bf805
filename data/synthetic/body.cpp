#include "data/synthetic/body.h"

#include <iterator>

#include "data/synthetic/choice.h"

namespace weft::synthetic {

namespace {

float degrees(float angle) { return angle * pi / 180; }

/// Turned about the vertical axis.
Vec3 turned(Vec3 p, float yaw) {
  const float c = std::cos(yaw), s = std::sin(yaw);
  return {c * p.x + s * p.z, p.y, c * p.z - s * p.x};
}

struct ArmDirections {
  Vec3 upper, fore;  ///< (outward, down, forward)
};

ArmDirections arm_directions(ArmPose pose) {
  switch (pose) {
    case ArmPose::down: return {{0.16f, 1, 0}, {0.04f, 1, 0.16f}};
    case ArmPose::bent: return {{0.24f, 1, -0.12f}, {0.02f, 0.8f, 0.55f}};
    case ArmPose::on_hip: return {{0.78f, 0.8f, -0.15f}, {-0.8f, 0.5f, 0.35f}};
    case ArmPose::raised: return {{0.75f, -0.55f, 0}, {0.12f, -1, 0.1f}};
    case ArmPose::behind_head: return {{0.85f, -0.6f, 0}, {-0.85f, -0.5f, -0.1f}};
    case ArmPose::across: return {{0.2f, 0.95f, 0.3f}, {-0.9f, 0.12f, 0.45f}};
    case ArmPose::to_chin: return {{0.18f, 0.95f, 0.35f}, {-0.55f, -0.95f, 0.4f}};
    case ArmPose::aside: return {{0.75f, 0.6f, 0.1f}, {0.7f, 0.05f, 0.3f}};
    case ArmPose::pocket: return {{0.34f, 0.95f, -0.15f}, {-0.34f, 0.9f, 0.25f}};
  }
  return {};
}

struct LegAngles {
  float spread, pitch, knee;  ///< outwards, forwards, and the bend of the knee; radians
};

std::array<LegAngles, 2> leg_angles(Random& random) {
  const int bent = static_cast<int>(random.below(2));
  std::array<LegAngles, 2> angles{};
  const double stance = random.uniform();
  for (int side : {0, 1}) {
    LegAngles& a = angles[side];
    if (stance < 0.35)
      a = {uniform(random, 0, 3.5), 0, 0};  // standing
    else if (stance < 0.55)
      a = {uniform(random, 5, 10), 0, 0};  // legs apart
    else if (stance < 0.78)
      a = side == bent ? LegAngles{uniform(random, -1, 2), -16, 24}  // walking
                       : LegAngles{uniform(random, -1, 2), 15, 3};
    else
      a = side == bent ? LegAngles{uniform(random, 2, 7), uniform(random, 8, 16), 24}  // weight on one leg
                       : LegAngles{uniform(random, -2, 1), 0, 0};
    a = {degrees(a.spread), degrees(a.pitch), degrees(a.knee)};
  }
  return angles;
}

ArmPose random_arm_pose(Random& random) {
  static const ArmPose poses[] = {
      ArmPose::down,   ArmPose::down,    ArmPose::bent,   ArmPose::on_hip, ArmPose::pocket,
      ArmPose::down,   ArmPose::down,    ArmPose::down,   ArmPose::bent,   ArmPose::bent,
      ArmPose::bent,   ArmPose::on_hip,  ArmPose::on_hip, ArmPose::raised, ArmPose::behind_head,
      ArmPose::across, ArmPose::to_chin, ArmPose::aside,  ArmPose::pocket, ArmPose::pocket};
  return pick(random, poses);
}

/// Tube points along a limb of five joints.
std::vector<TubePoint> limb_part(const std::array<Joint, 5>& joints, float from, float to, float ease) {
  const auto at = [&](float t) {
    const float x = std::clamp(t, 0.0f, 1.0f) * 4;
    const int i = std::min(static_cast<int>(x), 3);
    return TubePoint{mix(joints[i].p, joints[i + 1].p, x - static_cast<float>(i)),
                     mix(joints[i].radius, joints[i + 1].radius, x - static_cast<float>(i)) + ease};
  };
  std::vector<TubePoint> points{at(from)};
  for (int k = 1; k < 4; ++k) {
    const float t = 0.25f * static_cast<float>(k);
    if (t > from + 0.05f && t < to - 0.05f) points.push_back(at(t));
  }
  points.push_back(at(to));
  if (from == 0) points.front().radius -= 0.75f * ease;  // at its root cloth lies close
  return points;
}

}  // namespace

Build random_build(Random& random) {
  static const Colour skins[] = {srgb(236, 200, 176), srgb(229, 187, 158), srgb(219, 173, 141), srgb(205, 154, 120),
                                 srgb(176, 124, 90),  srgb(140, 94, 66),   srgb(106, 70, 50),   srgb(74, 50, 38)};
  Build b;
  const float f = uniform(random, 0, 1), weight = uniform(random, 0.9, 1.22);
  b.feminine = f;
  b.head = uniform(random, 0.127, 0.142);
  b.shoulder = mix(0.116f, 0.099f, f) * uniform(random, 0.97, 1.05);
  b.chest = mix(0.092f, 0.082f, f) * mix(1, weight, 0.8f);
  b.waist = mix(0.084f, 0.066f, f) * weight;
  b.hip = mix(0.086f, 0.093f, f) * mix(1, weight, 0.8f);
  b.legs = uniform(random, 0.475, 0.515);
  b.girth = weight * mix(1.06f, 0.92f, f);
  if (random.chance(0.08)) {  // a child: large head, short legs
    b.head *= 1.3f;
    b.legs *= 0.93f;
    b.shoulder *= 0.97f;
  }
  const int tone = static_cast<int>(random.below(std::size(skins) - 1));
  b.skin = mix(skins[tone], skins[tone + 1], uniform(random, 0, 1)) * 0.93f;
  return b;
}

Figure random_figure(Random& random, const Build& build, const Camera& camera, float heel_height) {
  Figure f;
  f.build = build;
  f.camera = camera;
  f.yaw = degrees(std::clamp(static_cast<float>(random.normal()) * 13, -32.0f, 32.0f));
  const float lean = degrees(uniform(random, -4, 4)), shoulder_tilt = degrees(uniform(random, -3.5, 3.5));
  const auto joint = [&](Vec3 p, float radius) {
    return Joint{camera.project(p), p.z, radius * camera.magnification(p.z)};
  };

  // Legs hang from a pelvis at the origin first; then all is lowered until the lower foot stands.
  const std::array<LegAngles, 2> angles = leg_angles(random);
  const float ankle_height = 0.042f + heel_height, thigh = (build.legs - 0.042f) * 0.51f,
              shin = (build.legs - 0.042f) * 0.49f;
  std::array<Vec3, 2> hip, knee, ankle;
  float lowest = 0;
  for (int side : {0, 1}) {
    const LegAngles a = angles[side];
    const float sign = side_sign(side);
    const auto direction = [&](float pitch) {
      return turned(
          {sign * std::sin(a.spread), std::cos(a.spread) * std::cos(pitch), std::cos(a.spread) * std::sin(pitch)},
          f.yaw);
    };
    hip[side] = turned({sign * build.hip * 0.52f, 0, 0}, f.yaw);
    knee[side] = hip[side] + direction(a.pitch) * thigh;
    ankle[side] = knee[side] + direction(a.pitch - a.knee) * shin;
    lowest = std::max(lowest, ankle[side].y);
  }
  const Vec3 down{0, -lowest - ankle_height, 0};
  const float g = build.girth;
  for (int side : {0, 1}) {
    const Vec3 h = hip[side] + down, k = knee[side] + down, a = ankle[side] + down;
    f.leg[side] = {joint(h, std::min(0.049f * g, 0.5f * build.hip)),
                   joint(mix(h, k, 0.5f), std::min(0.044f * g, 0.5f * build.hip)), joint(k, 0.0305f * g),
                   joint(mix(k, a, 0.38f) + Vec3{side_sign(side) * 0.004f, 0, 0}, 0.033f * g), joint(a, 0.0195f * g)};
    const float outwards = side_sign(side) * degrees(uniform(random, 4, 24));
    const Vec3 forward = turned({std::sin(outwards), 0, std::cos(outwards)}, f.yaw);
    const float lifted = -(a.y + ankle_height) * 0.6f;  // the back foot of a walker stands on its toes
    f.heel[side] = a + forward * -0.02f + Vec3{0, 0.04f, 0};
    f.toe[side] = a + forward * 0.105f + Vec3{0, ankle_height - 0.008f + lifted, 0};
  }

  // The spine rises from the pelvis, leaning; the shoulders tilt against the hips.
  const float hip_height = -down.y, neck_height = 1 - build.head - 0.038f - build.legs + hip_height;
  const auto spine = [&](float height) { return Vec3{std::tan(lean) * (height - hip_height), -height, 0}; };
  f.pelvis = camera.project(spine(hip_height));
  f.waist = camera.project(spine(mix(hip_height, neck_height, 0.38f)));
  f.chest = camera.project(spine(mix(hip_height, neck_height, 0.74f)));
  const Vec3 neck = spine(neck_height);
  f.neck = camera.project(neck);
  f.head_yaw = std::clamp(std::sin(f.yaw) * 0.8f + uniform(random, -0.45, 0.45), -0.6f, 0.6f);
  f.head_roll = degrees(uniform(random, -7, 7)) + lean;
  f.head = camera.project(neck + Vec3{std::tan(lean) * 0.05f + 0.25f * std::sin(f.head_roll) * build.head,
                                      -0.034f - 0.5f * build.head, 0.01f});

  const float upper = 0.168f, fore = 0.142f;
  const bool mirrored = random.chance(0.35);
  f.arm_pose = {random_arm_pose(random), random_arm_pose(random)};
  if (mirrored) f.arm_pose[1] = f.arm_pose[0];
  for (int side : {0, 1}) {
    const float sign = side_sign(side);
    ArmDirections d = arm_directions(f.arm_pose[side]);
    for (Vec3* v : {&d.upper, &d.fore}) {
      *v = unit(*v + Vec3{uniform(random, -0.09, 0.09), uniform(random, -0.09, 0.09), uniform(random, -0.09, 0.09)});
      *v = turned({sign * v->x, v->y, v->z}, f.yaw);
    }
    const float rise = d.upper.y < 0 ? 0.02f : 0.0f;  // a raised arm lifts its shoulder
    const Vec3 shoulder = neck + turned({sign * (build.shoulder - rise), 0, 0}, f.yaw) +
                          Vec3{0, 0.043f - rise + sign * std::sin(shoulder_tilt) * build.shoulder, 0};
    const Vec3 elbow = shoulder + d.upper * upper, wrist = elbow + d.fore * fore;
    f.arm[side] = {joint(shoulder, 0.0265f * g), joint(mix(shoulder, elbow, 0.5f), 0.0245f * g),
                   joint(elbow, 0.0195f * g), joint(mix(elbow, wrist, 0.35f), 0.0205f * g), joint(wrist, 0.0135f * g)};
    const ArmPose pose = f.arm_pose[side];
    f.arm_in_front[side] = pose == ArmPose::across || pose == ArmPose::to_chin || pose == ArmPose::raised;
  }
  return f;
}

std::vector<TubePoint> Figure::arm_part(int side, float from, float to, float ease) const {
  return limb_part(arm[side], from, to, ease);
}
std::vector<TubePoint> Figure::leg_part(int side, float from, float to, float ease) const {
  return limb_part(leg[side], from, to, ease);
}

Row Figure::trunk_row(float y, float ease) const {
  // A trunk turned by `yaw` shows its width times cos and its depth (about 0.62 of it) times sin.
  const float c = std::cos(yaw), s = std::sin(yaw), turn = std::sqrt(c * c + 0.62f * 0.62f * s * s);
  struct Level {
    Vec2 middle;
    float half;
  };
  const Level levels[] = {{mix(neck, chest, 0.75f), build.chest * 1.02f},
                          {chest, build.chest},
                          {waist, build.waist},
                          {mix(waist, pelvis, 0.75f), build.hip * 0.98f},
                          {pelvis + Vec2{0, 0.015f}, build.hip}};
  int i = 0;
  while (i < 3 && y > levels[i + 1].middle.y) ++i;
  const float t = clamp01((y - levels[i].middle.y) / (levels[i + 1].middle.y - levels[i].middle.y));
  const float middle = mix(levels[i].middle.x, levels[i + 1].middle.x, t);
  const float half = mix(levels[i].half, levels[i + 1].half, t * t * (3 - 2 * t)) * turn + ease;
  return {y, middle - half, middle + half};
}

std::vector<Row> Figure::trunk(float bottom, float ease) const {
  const float throat = 0.038f * build.girth;
  const Joint &right = arm[0][0], &left = arm[1][0];
  const float shoulder_y = 0.5f * (right.p.y + left.p.y);
  std::vector<Row> rows{{neck.y - 0.014f, neck.x - throat - ease, neck.x + throat + ease},
                        {neck.y + 0.006f, mix(neck.x, right.p.x, 0.5f) - ease, mix(neck.x, left.p.x, 0.5f) + ease},
                        {shoulder_y - 0.018f, right.p.x - 0.25f * right.radius - 0.5f * ease,
                         left.p.x + 0.25f * left.radius + 0.5f * ease},
                        {shoulder_y + 0.012f, right.p.x - 0.6f * right.radius - 0.3f * ease,
                         left.p.x + 0.6f * left.radius + 0.3f * ease}};
  for (float y = shoulder_y + 0.06f; y < bottom - 0.02f; y += 0.035f) rows.push_back(trunk_row(y, ease));
  rows.push_back(trunk_row(bottom, ease));
  return rows;
}

}  // namespace weft::synthetic
