#include "data/stress/blur.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/check.h"
#include "data/stress/linear_light.h"

namespace weft {
namespace {

/// A weighted look at a neighbour.
struct Tap {
  int dx, dy;
  float weight;
};

std::vector<float> filtered(const std::vector<float>& from, const Image& shape, const std::vector<Tap>& taps) {
  const int width = shape.width, height = shape.height, channels = shape.channels;
  const auto index = [=](int y, int x) {
    return (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)) *
           static_cast<std::size_t>(channels);
  };
  std::vector<float> to(from.size(), 0.0f);
  for (int y = 0; y < height; ++y) {
    for (const Tap& tap : taps) {
      const int row = std::clamp(y + tap.dy, 0, height - 1);
      for (int x = 0; x < width; ++x) {
        const float* source = &from[index(row, std::clamp(x + tap.dx, 0, width - 1))];
        float* target = &to[index(y, x)];
        for (int c = 0; c < channels; ++c) target[c] += tap.weight * source[c];
      }
    }
  }
  return to;
}

Image to_image(const std::vector<float>& light, Image shape) {
  std::transform(light.begin(), light.end(), shape.pixels.begin(), [](float v) { return srgb_value(v); });
  return shape;
}

void normalise_weights(std::vector<Tap>& taps) {
  float sum = 0;
  for (const Tap& tap : taps) sum += tap.weight;
  for (Tap& tap : taps) tap.weight /= sum;
}

}  // namespace

Image gaussian_blur(const Image& picture, double deviation) {
  WEFT_CHECK(deviation >= 0 && std::isfinite(deviation), "[gaussian_blur] expected 0 or more, got {}", deviation);
  if (deviation == 0) return picture;
  std::vector<Tap> across, down;
  const int reach = static_cast<int>(std::ceil(3 * deviation));
  for (int i = -reach; i <= reach; ++i) {
    const auto weight = static_cast<float>(std::exp(-0.5 * i * i / (deviation * deviation)));
    across.push_back({i, 0, weight});
    down.push_back({0, i, weight});
  }
  normalise_weights(across);
  normalise_weights(down);
  return to_image(filtered(filtered(linear_light(picture), picture, across), picture, down), picture);
}

Image motion_blur(const Image& picture, double length, double angle) {
  WEFT_CHECK(length >= 0 && std::isfinite(length), "[motion_blur] expected 0 or more, got {}", length);
  const int places = std::max(1, static_cast<int>(std::lround(length)) + 1);
  const double radians = angle * std::numbers::pi / 180;
  std::vector<Tap> taps;
  for (int i = 0; i < places; ++i) {
    const double along = places > 1 ? length * (static_cast<double>(i) / (places - 1) - 0.5) : 0;
    taps.push_back({static_cast<int>(std::lround(along * std::cos(radians))),
                    static_cast<int>(std::lround(along * std::sin(radians))), 1.0f});
  }
  normalise_weights(taps);
  return to_image(filtered(linear_light(picture), picture, taps), picture);
}

}  // namespace weft
