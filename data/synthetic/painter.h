#pragma once
// The painter: lays shapes one over another, back to front, and keeps two records of the same act,
// the picture and the label of every pixel. That both come from one shape is what makes the masks exact.
//
// Each pixel has 2 x 2 samples. A sample's coverage is a ramp one sample wide over the signed distance; the
// pixel's coverage by a layer is the mean of its four. A layer takes the pixel's label where that is at least
// one half.

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "data/synthetic/light.h"
#include "data/synthetic/shapes.h"

namespace weft::synthetic {

/// The 18 labels of ATR. Left and right are the person's own.
enum class Label : std::uint8_t {
  background,
  hat,
  hair,
  sunglasses,
  upper_clothes,
  skirt,
  pants,
  dress,
  belt,
  left_shoe,
  right_shoe,
  face,
  left_leg,
  right_leg,
  left_arm,
  right_arm,
  bag,
  scarf
};

/// Where body coordinates lie in the picture: pixel = origin + scale * p.
struct View {
  int width, height;
  Vec2 origin;
  float scale;  ///< pixels in one body unit
  Vec2 to_body(float x, float y) const { return {(x - origin.x) / scale, (y - origin.y) / scale}; }
  float pixel() const { return 1 / scale; }
};

/// The colour a sample of a shape has; linear light.
using Shader = std::function<Colour(Vec2, const Surface&)>;

class Painter {
 public:
  Painter(const View& view, Vec3 to_sun);

  /// Paints `shape` over all that lies there already. `lift` (body units) is how far above it the shape floats,
  /// which sets the soft shadow it casts on what it covers; 0 casts none.
  void paint(Label label, const Shape& shape, const Shader& shader, float lift = 0.006f);
  /// The shadow alone of something `lift` above what lies there.
  void cast(const Shape& shape, float lift) { darken(shape, 1.2f * lift, 0.45f, shadow_direction_ * lift); }
  /// Paints where no label changes: make-up, seams, buttons, the glint of a buckle. Stays inside the person.
  void decorate(const Shape& shape, const Shader& shader, float opacity = 1);
  /// Multiplies the light on what was painted so far inside and around `shape` by 1 - strength.
  void darken(const Shape& shape, float softness, float strength, Vec2 offset = {});

  const View& view() const { return view_; }
  const std::vector<Label>& labels() const { return labels_; }

  /// What is seen at a pixel: colour times coverage, and coverage.
  struct Pixel {
    Colour colour;
    float coverage;
  };
  Pixel pixel(int x, int y) const;

 private:
  struct Range {
    int x0, y0, x1, y1;
  };
  Range pixels_of(const Box& box, float margin, Vec2 offset = {}) const;
  std::array<Pixel, 4>& samples(int x, int y) { return samples_[static_cast<std::size_t>(y) * view_.width + x]; }
  void lay(const Shape& shape, const Shader& shader, float opacity, const Label* label);

  View view_;
  Vec2 shadow_direction_;
  std::vector<std::array<Pixel, 4>> samples_;
  std::vector<Label> labels_;
};

}  // namespace weft::synthetic
