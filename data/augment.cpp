#include "data/augment.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/check.h"

namespace weft {

namespace {

void mirror(Image& image) {
  for (int y = 0; y < image.height; ++y) {
    for (int left = 0, right = image.width - 1; left < right; ++left, --right) {
      std::swap_ranges(image.at(y, left), image.at(y, left) + image.channels, image.at(y, right));
    }
  }
}

}  // namespace

AugmentOptions AugmentOptions::named(const std::string& name) {
  AugmentOptions options;
  if (name == "none") return options;
  options.flip_probability = options.warp_probability = 0.5;
  if (name == "default") return options;
  options.scale_limit = 0.2;
  options.rotate_limit = 30;
  options.contrast_probability = options.gamma_probability = 0.5;
  if (name == "strong") return options;
  fail("unknown augmentation '{}'; expected none, default or strong", name);
}

AugmentDraw draw_augmentation(const AugmentOptions& o, Random& random) {
  AugmentDraw draw;
  draw.is_flipped = random.chance(o.flip_probability);
  draw.is_warped = random.chance(o.warp_probability);
  const double shift_x = random.uniform(-o.shift_limit, o.shift_limit);
  const double shift_y = random.uniform(-o.shift_limit, o.shift_limit);
  const double scale = random.uniform(1 - o.scale_limit, 1 + o.scale_limit);
  const double angle = random.uniform(-o.rotate_limit, o.rotate_limit);
  if (draw.is_warped) {
    draw.shift_x = shift_x;
    draw.shift_y = shift_y;
    draw.scale = scale;
    draw.angle = angle;
  }
  const bool is_relit = random.chance(o.contrast_probability);
  const double contrast = random.uniform(1 - o.contrast_limit, 1 + o.contrast_limit);
  const double brightness = random.uniform(-o.brightness_limit, o.brightness_limit);
  if (is_relit) {
    draw.contrast = contrast;
    draw.brightness = brightness;
  }
  const bool is_bent = random.chance(o.gamma_probability);
  const double gamma = random.uniform(1 - o.gamma_limit, 1 + o.gamma_limit);
  if (is_bent) draw.gamma = gamma;
  return draw;
}

// A pixel p is flipped, then scaled and turned about the centre m = ((w-1)/2, (h-1)/2) and shifted:
//
//   q = S R (F p - m) + m + (shift_x w, shift_y h)      S R = [ s cos  s sin; -s sin  s cos ]
//
// (y points down, so this R turns anticlockwise to the eye). The canvas is asked the other way round: p from q.
Affine augment_map(const AugmentDraw& draw, int canvas_width, int canvas_height) {
  const double w = canvas_width, h = canvas_height, mx = (w - 1) / 2, my = (h - 1) / 2;
  const double radians = draw.angle * std::numbers::pi / 180;
  const double cosine = draw.scale * std::cos(radians), sine = draw.scale * std::sin(radians);
  const Affine move{cosine, sine,   mx - cosine * mx - sine * my + draw.shift_x * w,
                    -sine,  cosine, my + sine * mx - cosine * my + draw.shift_y * h};
  const Affine flip = draw.is_flipped ? Affine{-1, 0, w - 1, 0, 1, 0} : Affine{};
  return flip.after(move.inverse());  // a flip is its own inverse
}

std::array<std::uint8_t, 256> augment_tones(const AugmentDraw& draw) {
  std::array<std::uint8_t, 256> tones{};
  for (std::size_t v = 0; v < tones.size(); ++v) {
    const double relit = std::clamp(draw.contrast * static_cast<double>(v) / 255 + draw.brightness, 0.0, 1.0);
    tones[v] = static_cast<std::uint8_t>(std::lround(255 * std::pow(relit, draw.gamma)));
  }
  return tones;
}

Image augment_picture(const Image& picture, const Placement& p, const AugmentDraw& draw) {
  Image out = draw.is_warped ? warp_picture(picture, p, augment_map(draw, p.canvas_width, p.canvas_height))
                             : fit_picture(picture, p);
  if (draw.is_flipped && !draw.is_warped) mirror(out);
  if (draw.contrast != 1 || draw.brightness != 0 || draw.gamma != 1) {
    const auto tones = augment_tones(draw);
    for (std::uint8_t& value : out.pixels) value = tones[value];
  }
  return out;
}

Image augment_mask(const Image& ids, const Placement& p, const AugmentDraw& draw) {
  if (draw.is_warped) return warp_mask(ids, p, augment_map(draw, p.canvas_width, p.canvas_height));
  Image out = fit_mask(ids, p);
  if (draw.is_flipped) mirror(out);
  return out;
}

}  // namespace weft
