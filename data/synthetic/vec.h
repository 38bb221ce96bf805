#pragma once
// Points, directions and colours for the synthetic data set, and the few functions that blend them.
//
// Directions: x to the right of the picture, y down, z towards the viewer. Lengths are body units:
// 1 is the person's height, (0, 0) lies on the ground between the feet, so the crown is near (0, -1).

#include <algorithm>
#include <cmath>

namespace weft::synthetic {

inline constexpr float pi = 3.14159265f;

struct Vec2 {
  float x = 0, y = 0;
};
inline Vec2 operator+(Vec2 a, Vec2 b) { return {a.x + b.x, a.y + b.y}; }
inline Vec2 operator-(Vec2 a, Vec2 b) { return {a.x - b.x, a.y - b.y}; }
inline Vec2 operator*(Vec2 a, float k) { return {a.x * k, a.y * k}; }
inline float dot(Vec2 a, Vec2 b) { return a.x * b.x + a.y * b.y; }
inline float length(Vec2 a) { return std::sqrt(dot(a, a)); }
inline Vec2 unit(Vec2 a) { return a * (1.0f / std::max(length(a), 1e-9f)); }
/// `a` turned by 90 degrees: the x axis becomes the y axis.
inline Vec2 perpendicular(Vec2 a) { return {-a.y, a.x}; }
inline Vec2 rotate(Vec2 a, float angle) {
  const float c = std::cos(angle), s = std::sin(angle);
  return {c * a.x - s * a.y, s * a.x + c * a.y};
}

/// A point or direction in space, or a colour in linear light (red, green, blue).
struct Vec3 {
  float x = 0, y = 0, z = 0;
};
inline Vec3 operator+(Vec3 a, Vec3 b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
inline Vec3 operator-(Vec3 a, Vec3 b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
inline Vec3 operator*(Vec3 a, float k) { return {a.x * k, a.y * k, a.z * k}; }
inline Vec3 operator*(Vec3 a, Vec3 b) { return {a.x * b.x, a.y * b.y, a.z * b.z}; }
inline float dot(Vec3 a, Vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
inline Vec3 unit(Vec3 a) { return a * (1.0f / std::max(std::sqrt(dot(a, a)), 1e-9f)); }
using Colour = Vec3;

inline float clamp01(float x) { return std::clamp(x, 0.0f, 1.0f); }
inline float mix(float a, float b, float t) { return a + (b - a) * t; }
inline Vec2 mix(Vec2 a, Vec2 b, float t) { return a + (b - a) * t; }
inline Vec3 mix(Vec3 a, Vec3 b, float t) { return a + (b - a) * t; }
/// 0 below `low`, 1 above `high`, and 3t^2 - 2t^3 between them; `low` may exceed `high`.
inline float smoothstep(float low, float high, float x) {
  const float t = clamp01((x - low) / (high - low));
  return t * t * (3 - 2 * t);
}
inline float luminance(Colour c) { return 0.2126f * c.x + 0.7152f * c.y + 0.0722f * c.z; }

/// The linear colour of an sRGB triple given in 0..255, to write colours as people read them.
inline Colour srgb(float r, float g, float b) {
  const auto linear = [](float v) { return std::pow((v / 255 + 0.055f) / 1.055f, 2.4f); };
  return {linear(r), linear(g), linear(b)};
}

}  // namespace weft::synthetic
