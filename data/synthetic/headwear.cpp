#include "data/synthetic/choice.h"
#include "data/synthetic/head.h"

namespace weft::synthetic {

Headwear random_headwear(Random& random) {
  static const HatStyle hats[] = {HatStyle::beanie, HatStyle::cap,    HatStyle::brim,
                                  HatStyle::brim,   HatStyle::bucket, HatStyle::beret};
  Headwear wear;
  if (random.chance(0.26)) wear.hat = pick(random, hats);
  wear.hat_fabric = random_fabric(random, true);
  wear.hat_fabric.fold = 0.25f;
  if (wear.hat == HatStyle::beanie && random.chance(0.6)) wear.hat_fabric.pattern = Pattern::knit;
  wear.sunglasses = random.chance(0.24);
  wear.lens = mix(srgb(12, 12, 14), random.chance(0.5) ? srgb(70, 46, 26) : srgb(30, 44, 54), uniform(random, 0, 1));
  wear.frame = random.chance(0.7) ? srgb(18, 16, 16) : wearable_colour(random);
  wear.lens_round = uniform(random, 0, 1);
  return wear;
}

void draw_sunglasses(const Drawing& to, const Headwear& wear) {
  const Figure& f = to.figure;
  const float turn = 0.2f * f.head_yaw, r = wear.lens_round, drop = mix(0.075f, 0.11f, r);
  const Light& light = to.light;
  const auto frame = [&](Vec2, const Surface& s) { return light.shade(s.normal, wear.frame, 0.7f); };
  // A lens mirrors the sky: brighter at its upper edge, and with one slanting streak.
  const auto lens = [&](Vec2, const Surface& s) {
    const float sky = smoothstep(0.75f, 0.0f, s.part) * 0.16f +
                      0.25f * smoothstep(0.12f, 0.0f, std::abs(s.part - 0.35f + 0.3f * s.side));
    return wear.lens * 0.6f + light.sky * (0.45f * sky);
  };
  const float v = -0.035f;
  for (int side : {0, 1}) {
    const float sign = side_sign(side), u = turn + sign * 0.158f;
    to.painter.paint(Label::sunglasses,
                     tube({{head_point(f, u + sign * 0.1f, v - 0.03f), 0.018f * f.build.head},
                           {head_point(f, sign * 0.36f, v - 0.02f), 0.014f * f.build.head}}),
                     frame, 0.003f);
    const auto rim = [&](float grow) {
      return head_outline(f,
                          {{u - sign * (0.125f + grow), v - 0.055f - grow},
                           {u, v - 0.075f - grow},
                           {u + sign * (0.14f + grow), v - 0.065f - grow},
                           {u + sign * (0.125f + grow), v + 0.05f},
                           {u + sign * 0.01f, v + drop + grow},
                           {u - sign * mix(0.07f, 0.11f, r), v + 0.6f * drop + grow}},
                          0.03f);
    };
    to.painter.paint(Label::sunglasses, rim(0.014f), frame, 0.006f);
    to.painter.paint(Label::sunglasses, rim(0.0f), lens, 0);
  }
  to.painter.paint(Label::sunglasses,
                   tube({{head_point(f, turn - 0.05f, v - 0.045f), 0.016f * f.build.head},
                         {head_point(f, turn, v - 0.055f), 0.014f * f.build.head},
                         {head_point(f, turn + 0.05f, v - 0.045f), 0.016f * f.build.head}}),
                   frame, 0);
}

void draw_hat(const Drawing& to, const Headwear& wear) {
  const Figure& f = to.figure;
  const float turn = 0.2f * f.head_yaw;
  Fabric band = wear.hat_fabric;
  band.pattern = Pattern::plain;
  band.base = wear.hat_fabric.second;
  const Shader felt = cloth(wear.hat_fabric, to.light);
  // Outlines are given by their right halves, `middle` sideways from the head's axis.
  const auto paint = [&](const std::vector<Vec2>& right_half, const Shader& shader, float lift, float bulge = 0.22f,
                         float middle = 0) {
    to.painter.paint(Label::hat, head_outline(f, symmetric(right_half, {middle, 0}), bulge), shader, lift);
  };
  switch (wear.hat) {
    case HatStyle::none: return;
    case HatStyle::beanie:
      paint({{0, -0.7f}, {0.27f, -0.62f}, {0.4f, -0.42f}, {0.415f, -0.2f}, {0.2f, -0.155f}}, felt, 0.01f);
      paint({{0.2f, -0.245f}, {0.428f, -0.27f}, {0.425f, -0.13f}, {0.2f, -0.105f}}, felt, 0.004f, 0.06f);
      return;
    case HatStyle::cap:
      paint({{0, -0.68f}, {0.27f, -0.62f}, {0.4f, -0.42f}, {0.395f, -0.2f}, {0.2f, -0.27f}}, felt, 0.008f);
      paint({{0, -0.35f}, {0.18f, -0.335f}, {0.3f, -0.285f}, {0.27f, -0.19f}, {0, -0.145f}}, cloth(band, to.light),
            0.02f, 0.1f, 1.4f * turn);
      return;
    case HatStyle::brim: {
      // The crown stands above an ellipse seen slightly from below; the band is the crown's foot.
      const Vec2 centre = head_point(f, 0.3f * turn, -0.24f);
      to.painter.paint(Label::hat, ellipse(centre, Vec2{0.74f, 0.125f} * f.build.head, f.head_roll), felt, 0.028f);
      paint({{0, -0.69f}, {0.12f, -0.735f}, {0.31f, -0.7f}, {0.37f, -0.5f}, {0.4f, -0.25f}, {0.2f, -0.215f}}, felt,
            0.004f);
      paint({{0, -0.33f}, {0.39f, -0.37f}, {0.402f, -0.25f}, {0.2f, -0.212f}}, cloth(band, to.light), 0.002f, 0.1f);
      return;
    }
    case HatStyle::bucket:
      paint({{0.2f, -0.65f}, {0.33f, -0.58f}, {0.34f, -0.32f}, {0, -0.28f}}, felt, 0.005f);
      paint({{0, -0.33f}, {0.36f, -0.36f}, {0.52f, -0.13f}, {0.25f, -0.13f}}, felt, 0.014f, 0.12f);
      return;
    case HatStyle::beret: {
      const std::vector<Vec2> slouch{{-0.37f, -0.24f}, {-0.5f, -0.42f}, {-0.34f, -0.6f}, {0.05f, -0.66f},
                                     {0.43f, -0.52f},  {0.46f, -0.34f}, {0.36f, -0.24f}, {0, -0.3f}};
      to.painter.paint(Label::hat, head_outline(f, slouch, 0.22f), felt, 0.01f);
      paint({{0, -0.33f}, {0.37f, -0.27f}, {0.375f, -0.2f}, {0, -0.265f}}, felt, 0.004f, 0.05f);
      return;
    }
  }
}

}  // namespace weft::synthetic
