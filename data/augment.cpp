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

/// Neither warped nor cut: the sample is the canvas, or its mirror image.
bool keeps_canvas(const Placement& p, const AugmentDraw& draw, SampleSize size) {
  return !draw.is_warped && size.width == p.canvas_width && size.height == p.canvas_height;
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
  options.warp_probability = 0.8;
  options.scale_limit = 0.3;
  options.rotate_limit = 20;
  options.aspect_limit = 0.1;
  options.crops_at_random = true;
  options.degrade = {.occlusion_probability = 0.15, .light_probability = 0.35, .blur_probability = 0.15,
                     .noise_probability = 0.15, .colour_probability = 0.3, .jpeg_probability = 0.15};
  if (name == "robust") return options;
  fail("unknown augmentation '{}'; expected none, default, strong or robust", name);
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
  const double aspect = random.uniform(1 - o.aspect_limit, 1 + o.aspect_limit);
  if (draw.is_warped) draw.aspect = aspect;
  const double crop_x = random.uniform(), crop_y = random.uniform();
  if (o.crops_at_random) {
    draw.crop_x = crop_x;
    draw.crop_y = crop_y;
  }
  draw.degradation = draw_degradation(o.degrade, random);
  return draw;
}

// A pixel p of the canvas, w x h, is flipped, turned about the canvas's centre m and scaled, and comes to lie about the
// sample's centre m', W x H, shifted and, where the scaled canvas sticks out, moved by the crop:
//
//   q = S R (F p - m) + m' + (shift_x W, shift_y H) + ((1/2 - crop_x) max(0, s_x w - W), (1/2 - crop_y) max(0, s_y h - H))
//
//   S = [ s_x 0; 0 s_y ] = scale [ aspect 0; 0 1/aspect ]      R = [ cos sin; -sin cos ]
//
// (y points down, so this R turns anticlockwise to the eye). The canvas is asked the other way round: p from q.
Affine augment_map(const AugmentDraw& draw, int canvas_width, int canvas_height, SampleSize sample) {
  const double w = canvas_width, h = canvas_height, mx = (w - 1) / 2, my = (h - 1) / 2;
  const double radians = draw.angle * std::numbers::pi / 180;
  const double sx = draw.scale * draw.aspect, sy = draw.scale / draw.aspect;
  const double a = sx * std::cos(radians), b = sx * std::sin(radians);
  const double d = -sy * std::sin(radians), e = sy * std::cos(radians);
  const double cut_x = (0.5 - draw.crop_x) * std::max(0.0, sx * w - sample.width),
               cut_y = (0.5 - draw.crop_y) * std::max(0.0, sy * h - sample.height);
  const Affine move{a, b, (sample.width - 1) / 2.0 - a * mx - b * my + draw.shift_x * sample.width + cut_x,
                    d, e, (sample.height - 1) / 2.0 - d * mx - e * my + draw.shift_y * sample.height + cut_y};
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

Image augment_picture(const Image& picture, const Placement& p, const AugmentDraw& draw, SampleSize size) {
  Image out;
  if (keeps_canvas(p, draw, size)) {
    out = fit_picture(picture, p);
    if (draw.is_flipped) mirror(out);
  } else {
    out = warp_picture(picture, p, augment_map(draw, p.canvas_width, p.canvas_height, size), size.width, size.height);
  }
  if (draw.contrast != 1 || draw.brightness != 0 || draw.gamma != 1) {
    const auto tones = augment_tones(draw);
    for (std::uint8_t& value : out.pixels) value = tones[value];
  }
  return out;
}

Image augment_mask(const Image& ids, const Placement& p, const AugmentDraw& draw, SampleSize size) {
  if (!keeps_canvas(p, draw, size)) {
    return warp_mask(ids, p, augment_map(draw, p.canvas_width, p.canvas_height, size), size.width, size.height);
  }
  Image out = fit_mask(ids, p);
  if (draw.is_flipped) mirror(out);
  return out;
}

AugmentedPair augment(const Image& picture, const Image& ids, const Placement& placement, const AugmentDraw& draw,
                      SampleSize sample) {
  AugmentedPair pair{augment_picture(picture, placement, draw, sample), augment_mask(ids, placement, draw, sample)};
  degrade(pair.picture, pair.mask, draw.degradation);
  return pair;
}

}  // namespace weft
