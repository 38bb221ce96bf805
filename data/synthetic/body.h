#pragma once
// The body: proportions, a pose in space, and where that puts every joint in the picture.
//
// Two-element arrays hold (right, left), the person's own sides; a person who faces the viewer has their right
// on the picture's left. Proportions follow the usual artist's canon, in which the body is about 7.5 heads tall.

#include <array>

#include "core/random.h"
#include "data/synthetic/painter.h"
#include "data/synthetic/shapes.h"

namespace weft::synthetic {

inline constexpr float side_sign(int side) { return side == 0 ? -1.0f : 1.0f; }
inline constexpr std::array<Label, 2> arm_label{Label::right_arm, Label::left_arm};
inline constexpr std::array<Label, 2> leg_label{Label::right_leg, Label::left_leg};
inline constexpr std::array<Label, 2> shoe_label{Label::right_shoe, Label::left_shoe};

/// A pinhole camera at `height` above the ground, `distance` in front of the person, level.
/// A point (X, Y, Z) is seen at (X k, -height + (Y + height) k) with k = distance / (distance - Z).
struct Camera {
  float distance = 3.2f, height = 0.8f;
  float magnification(float z) const { return distance / (distance - z); }
  Vec2 project(Vec3 p) const {
    const float k = magnification(p.z);
    return {p.x * k, -height + (p.y + height) * k};
  }
};

struct Build {
  float head = 0.135f;                                ///< crown to chin
  float shoulder = 0.108f;                            ///< from the middle to a shoulder joint
  float chest = 0.086f, waist = 0.072f, hip = 0.09f;  ///< half widths of the trunk
  float legs = 0.49f;                                 ///< height of the hip joints
  float girth = 1;                                    ///< thickness of the limbs
  float feminine = 0.5f;                              ///< 0..1: shifts shoulders, waist, hair and garments
  Colour skin;
};
Build random_build(Random& random);

enum class ArmPose { down, bent, on_hip, raised, behind_head, across, to_chin, aside, pocket };
struct Joint {
  Vec2 p;        ///< in the picture
  float z;       ///< towards the viewer
  float radius;  ///< of the bare limb, in the picture
};

/// A posed body as it is seen.
struct Figure {
  Build build;
  Camera camera;
  float yaw = 0;                            ///< turn of the body, radians; positive shows more of its right side
  float head_yaw = 0;                       ///< turn of the face in the picture, -1..1
  float head_roll = 0;                      ///< tilt, radians
  Vec2 head, neck, chest, waist, pelvis;    ///< middle of the head, base of the neck, and down the trunk
  std::array<std::array<Joint, 5>, 2> arm;  ///< shoulder, middle, elbow, middle, wrist
  std::array<std::array<Joint, 5>, 2> leg;  ///< hip, middle, knee, calf, ankle
  std::array<Vec3, 2> toe;                  ///< tip of the foot
  std::array<Vec3, 2> heel;                 ///< where the heel meets the ground
  std::array<ArmPose, 2> arm_pose;
  std::array<bool, 2> arm_in_front;  ///< is painted over head and chest

  float throat() const { return 0.036f * build.girth; }  ///< half width of the neck's base
  /// The limb as tube points from `from` to `to` (0 its root .. 1 its end), `ease` wider than the skin.
  std::vector<TubePoint> arm_part(int side, float from, float to, float ease) const;
  std::vector<TubePoint> leg_part(int side, float from, float to, float ease) const;
  /// The trunk's borders from the neck down to height `bottom`, `ease` wider than the skin.
  std::vector<Row> trunk(float bottom, float ease) const;
  /// The trunk's borders at one height at or below the shoulders.
  Row trunk_row(float y, float ease) const;
};

/// A random pose of `build`; `heel_height` raises the heels.
Figure random_figure(Random& random, const Build& build, const Camera& camera, float heel_height);

}  // namespace weft::synthetic
