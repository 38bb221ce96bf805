#include "data/synthetic/painter.h"

namespace weft::synthetic {

Painter::Painter(const View& view, Vec3 to_sun)
    : view_(view),
      samples_(static_cast<std::size_t>(view.width) * static_cast<std::size_t>(view.height)),
      labels_(samples_.size(), Label::background) {
  // A point `lift` above a surface throws its shadow lift * (x, y) / z aside; a low sun is held back.
  const float z = std::max(std::abs(to_sun.z), 0.5f);
  shadow_direction_ = Vec2{-to_sun.x, -to_sun.y} * (1 / z);
}

Painter::Range Painter::pixels_of(const Box& box, float margin, Vec2 offset) const {
  const auto clip = [](float v, int limit) { return static_cast<int>(std::clamp(v, 0.0f, static_cast<float>(limit))); };
  const Vec2 low = (box.low + offset) * view_.scale + view_.origin,
             high = (box.high + offset) * view_.scale + view_.origin;
  const float m = margin * view_.scale;
  return {clip(std::floor(low.x - m), view_.width), clip(std::floor(low.y - m), view_.height),
          clip(std::ceil(high.x + m), view_.width), clip(std::ceil(high.y + m), view_.height)};
}

void Painter::lay(const Shape& shape, const Shader& shader, float opacity, const Label* label) {
  const float pixel = view_.pixel(), samples_per_unit = 2 * view_.scale;
  const Range range = pixels_of(shape.box, pixel);
  for (int y = range.y0; y < range.y1; ++y) {
    for (int x = range.x0; x < range.x1; ++x) {
      const float cx = static_cast<float>(x) + 0.5f, cy = static_cast<float>(y) + 0.5f;
      if (shape.at(view_.to_body(cx, cy)).d > 2 * pixel) continue;
      float covered = 0;
      for (int k = 0; k < 4; ++k) {
        const Vec2 p = view_.to_body(cx + (k & 1 ? 0.25f : -0.25f), cy + (k & 2 ? 0.25f : -0.25f));
        const Surface surface = shape.at(p);
        const float alpha = clamp01(0.5f - surface.d * samples_per_unit);
        if (alpha <= 0) continue;
        covered += alpha;
        Pixel& sample = samples(x, y)[k];
        const float opaque = alpha * opacity * (label ? 1.0f : sample.coverage);
        sample.colour = sample.colour * (1 - opaque) + shader(p, surface) * opaque;
        if (label) sample.coverage += (1 - sample.coverage) * alpha;
      }
      if (label && covered >= 2) labels_[static_cast<std::size_t>(y) * view_.width + x] = *label;
    }
  }
}

void Painter::paint(Label label, const Shape& shape, const Shader& shader, float lift) {
  if (lift > 0) cast(shape, lift);
  lay(shape, shader, 1, &label);
}

void Painter::decorate(const Shape& shape, const Shader& shader, float opacity) {
  lay(shape, shader, opacity, nullptr);
}

void Painter::darken(const Shape& shape, float softness, float strength, Vec2 offset) {
  const Range range = pixels_of(shape.box, softness, offset);
  for (int y = range.y0; y < range.y1; ++y) {
    for (int x = range.x0; x < range.x1; ++x) {
      std::array<Pixel, 4>& four = samples(x, y);
      if (four[0].coverage + four[1].coverage + four[2].coverage + four[3].coverage <= 0) continue;
      const Vec2 p = view_.to_body(static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f) - offset;
      const float keep = 1 - strength * smoothstep(softness, -softness, shape.at(p).d);
      for (Pixel& sample : four) sample.colour = sample.colour * keep;
    }
  }
}

Painter::Pixel Painter::pixel(int x, int y) const {
  Pixel mean{};
  for (const Pixel& sample : samples_[static_cast<std::size_t>(y) * view_.width + x]) {
    mean.colour = mean.colour + sample.colour * 0.25f;
    mean.coverage += 0.25f * sample.coverage;
  }
  return mean;
}

}  // namespace weft::synthetic
