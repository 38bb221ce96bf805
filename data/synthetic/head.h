#pragma once
// Head: face, ears, hair, and what is worn on it.
//
// Everything is placed in head coordinates (u, v): the origin in the middle of the head, 1 is the distance from
// crown to chin, v down, turned with the head. A turn of the face moves its features sideways.

#include "data/synthetic/body.h"
#include "data/synthetic/fabric.h"

namespace weft::synthetic {

/// Where and for whom something is drawn.
struct Drawing {
  Painter& painter;
  const Light& light;
  const Figure& figure;
};

enum class HairStyle { bald, buzz, crop, side_part, pixie, bob, long_straight, long_wavy, ponytail, bun, curls };
enum class HatStyle { none, beanie, cap, brim, bucket, beret };

struct Face {
  Colour eyes, lips;
  float jaw = 0.5f;  ///< 0 narrow .. 1 square
  float smile = 0.3f;
  float beard = 0;  ///< 0 none, 0.5 stubble, 1 full
  float brow = 1;   ///< thickness
};
struct Hair {
  HairStyle style = HairStyle::crop;
  Colour colour;
  float length = 0.5f;    ///< of long hair: 0 to the shoulders .. 1 to the waist
  float volume = 0.06f;   ///< thickness on top of the skull, heads
  float hairline = 0;     ///< -1 high forehead .. 1 fringe down to the brows
  float part = 0;         ///< side of the parting, -1..1
  bool in_front = false;  ///< long hair falls before the shoulders
  std::uint32_t seed = 0;
};
struct Headwear {
  HatStyle hat = HatStyle::none;
  Fabric hat_fabric;
  bool sunglasses = false;
  Colour lens, frame;
  float lens_round = 0.5f;
};

Face random_face(Random& random, const Build& build);
Hair random_hair(Random& random, const Build& build);
Headwear random_headwear(Random& random);

/// Skin under a light.
Shader skin(Colour tone, const Light& light);

/// The part of the hair that lies behind neck and shoulders; goes before the trunk.
void draw_hair_behind(const Drawing& to, const Hair& hair, bool under_hat);
/// Neck and the skin that a neckline may show.
void draw_neck(const Drawing& to);
/// Ears and face.
void draw_face(const Drawing& to, const Face& face, const Hair& hair);
/// Hair over the skull and, where it is long, before the shoulders. Under a hat only what the hat leaves.
void draw_hair(const Drawing& to, const Hair& hair, bool under_hat);
void draw_sunglasses(const Drawing& to, const Headwear& wear);
void draw_hat(const Drawing& to, const Headwear& wear);

/// From head coordinates to body coordinates.
Vec2 head_point(const Figure& figure, float u, float v);
/// And back.
Vec2 head_coordinates(const Figure& figure, Vec2 p);
/// A smooth closed outline given in head coordinates.
Shape head_outline(const Figure& figure, const std::vector<Vec2>& points, float bulge);

}  // namespace weft::synthetic
