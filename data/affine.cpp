#include "data/affine.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"

namespace weft {

namespace {

/// Mirrors a coordinate into [0, last], last > 0: the line is folded with period 2 * last.
float reflect(float at, float last) {
  const float period = 2 * last;
  float folded = std::fabs(std::fmod(at, period));
  if (folded > last) folded = period - folded;
  return folded;
}

/// One axis of the way from the canvas to the source picture.
struct Axis {
  float canvas_last;        // last pixel of the canvas
  float low, high;          // canvas coordinates that the picture covers: [low, high)
  float scale, offset;      // source coordinate = scale * canvas coordinate + offset
  float source_last;

  // The centre of canvas pixel p, at p + 1/2, shows source point (p + 1/2 - start) * source/size.
  Axis(int canvas, int start, int size, int source)
      : canvas_last(static_cast<float>(canvas - 1)),
        low(static_cast<float>(start) - 0.5f),
        high(static_cast<float>(start + size) - 0.5f),
        scale(static_cast<float>(source) / static_cast<float>(size)),
        offset((0.5f - static_cast<float>(start)) * scale - 0.5f),
        source_last(static_cast<float>(source - 1)) {}

  float fold(float at) const {
    if (at >= 0 && at <= canvas_last) return at;
    return canvas_last > 0 ? reflect(at, canvas_last) : 0;
  }
  bool covers(float at) const { return at >= low && at < high; }
  float source(float at) const { return std::clamp(scale * at + offset, 0.0f, source_last); }
};

/// Calls inside(out, source x, source y) or outside(out) for each pixel of the warped picture.
template <class Inside, class Outside>
void for_each_point(Image& out, const Placement& p, const Affine& map, Inside&& inside, Outside&& outside) {
  const Axis horizontal(p.canvas_width, p.x, p.width, p.picture_width),
      vertical(p.canvas_height, p.y, p.height, p.picture_height);
  // Copies: a store to a pixel might, as far as the compiler knows, change any int that is reached through a reference.
  const bool has_border = !p.fills_canvas();
  const int width = out.width, height = out.height, channels = out.channels;
  const auto dx = static_cast<float>(map.a), dy = static_cast<float>(map.d);
  for (int y = 0; y < height; ++y) {
    const auto x0 = static_cast<float>(map.b * y + map.c), y0 = static_cast<float>(map.e * y + map.f);
    std::uint8_t* target = out.at(y, 0);
    for (int x = 0; x < width; ++x, target += channels) {
      const float at_x = horizontal.fold(x0 + dx * static_cast<float>(x)),
                  at_y = vertical.fold(y0 + dy * static_cast<float>(x));
      if (has_border && !(horizontal.covers(at_x) && vertical.covers(at_y))) {
        outside(target);
      } else {
        inside(target, horizontal.source(at_x), vertical.source(at_y));
      }
    }
  }
}

void check_source(const char* what, const Image& image, const Placement& p, int channels) {
  WEFT_CHECK(image.channels == channels && image.width == p.picture_width && image.height == p.picture_height,
             "[{}] expected {} x {} with {} channels, got {} x {} with {}", what, p.picture_width, p.picture_height,
             channels, image.width, image.height, image.channels);
}

}  // namespace

Affine Affine::after(const Affine& first) const {
  return {a * first.a + b * first.d, a * first.b + b * first.e, a * first.c + b * first.f + c,
          d * first.a + e * first.d, d * first.b + e * first.e, d * first.c + e * first.f + f};
}

Affine Affine::inverse() const {
  const double determinant = a * e - b * d;
  WEFT_CHECK(std::abs(determinant) > 1e-12, "[affine] no inverse: the determinant is {}", determinant);
  const double ia = e / determinant, ib = -b / determinant, id = -d / determinant, ie = a / determinant;
  return {ia, ib, -(ia * c + ib * f), id, ie, -(id * c + ie * f)};
}

Image warp_picture(const Image& picture, const Placement& p, const Affine& map, int width, int height) {
  check_source("warp_picture", picture, p, 3);
  Image out(width, height, 3);
  const std::uint8_t* const pixels = picture.pixels.data();
  const std::ptrdiff_t row = std::ptrdiff_t{picture.width} * 3;
  const std::ptrdiff_t right = picture.width > 1 ? 3 : 0, below = picture.height > 1 ? row : 0;
  const int last_x = std::max(0, picture.width - 2), last_y = std::max(0, picture.height - 2);
  const auto sample = [=](std::uint8_t* target, float x, float y) {
    const int ix = std::min(static_cast<int>(x), last_x), iy = std::min(static_cast<int>(y), last_y);
    // Weights in 1/2048: 8 + 11 + 11 bits fit an int, and the error is far below half a level.
    const int fx = static_cast<int>((x - static_cast<float>(ix)) * 2048 + 0.5f),
              fy = static_cast<int>((y - static_cast<float>(iy)) * 2048 + 0.5f);
    const std::uint8_t* top = pixels + iy * row + ix * 3;
    const std::uint8_t* bottom = top + below;
    for (int c = 0; c < 3; ++c) {
      const int upper = top[c] * (2048 - fx) + top[c + right] * fx,
                lower = bottom[c] * (2048 - fx) + bottom[c + right] * fx;
      target[c] = static_cast<std::uint8_t>((upper * (2048 - fy) + lower * fy + (1 << 21)) >> 22);
    }
  };
  for_each_point(out, p, map, sample,
                 [](std::uint8_t* target) { std::copy(border_colour.begin(), border_colour.end(), target); });
  return out;
}

Image warp_mask(const Image& ids, const Placement& p, const Affine& map, int width, int height) {
  check_source("warp_mask", ids, p, 1);
  Image out(width, height, 1);
  const std::uint8_t* const pixels = ids.pixels.data();
  const std::ptrdiff_t row = ids.width;
  const auto sample = [=](std::uint8_t* target, float x, float y) {  // x and y end at the last pixel's centre
    *target = pixels[static_cast<int>(y + 0.5f) * row + static_cast<int>(x + 0.5f)];
  };
  for_each_point(out, p, map, sample, [](std::uint8_t* target) { *target = 0; });
  return out;
}

}  // namespace weft
