#include "data/render.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/check.h"

namespace weft {
namespace {

constexpr int gap = 8;                                  // pixels between the pictures of a panel
constexpr double soft_margin = 0.2;                     // of probability, to each side of the threshold
constexpr std::array<double, 3> tint = {20, 190, 170};  // over clothing
constexpr std::array<std::uint8_t, 3> border = {255, 60, 40};

std::uint8_t to_byte(double v) { return static_cast<std::uint8_t>(std::clamp(std::lround(v), 0l, 255l)); }

void check_mask(const Image& photograph, const Image& mask) {
  WEFT_CHECK(photograph.channels == 3 && mask.channels == 1 && photograph.width == mask.width &&
                 photograph.height == mask.height,
             "[render] expected an RGB picture and a mask of its size, got {} x {} x {} and {} x {} x {}",
             photograph.width, photograph.height, photograph.channels, mask.width, mask.height, mask.channels);
}

/// True where the mask changes to the right or below, within a distance that grows with the picture.
bool is_border(const Image& mask, int y, int x, int thickness) {
  const std::uint8_t here = *mask.at(y, x);
  const int right = std::min(mask.width - 1, x + thickness), below = std::min(mask.height - 1, y + thickness);
  return *mask.at(y, right) != here || *mask.at(below, x) != here;
}

}  // namespace

Image render_mask(const Image& mask) {
  Image picture = mask;
  for (std::uint8_t& v : picture.pixels) v = v != 0 ? 255 : 0;
  return picture;
}

Image render_overlay(const Image& photograph, const Image& mask) {
  check_mask(photograph, mask);
  const int thickness = std::max(1, std::max(mask.width, mask.height) / 400);
  Image picture(mask.width, mask.height, 3);
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      const std::uint8_t* from = photograph.at(y, x);
      std::uint8_t* into = picture.at(y, x);
      const double grey = 0.299 * from[0] + 0.587 * from[1] + 0.114 * from[2];
      for (std::size_t c = 0; c < 3; ++c) {
        if (is_border(mask, y, x, thickness)) {
          into[c] = border[c];
        } else {
          into[c] = *mask.at(y, x) != 0 ? to_byte(0.75 * from[c] + 0.25 * tint[c])
                                        : to_byte(0.15 * from[c] + 0.35 * grey + 90);
        }
      }
    }
  }
  return picture;
}

Image render_alpha(std::span<const float> probabilities, int width, int height, double threshold) {
  Image alpha(width, height, 1);
  WEFT_CHECK(probabilities.size() == alpha.pixels.size(), "[render] expected a probability for each pixel");
  // Narrower near 0 and 1, so that p = 0 is always transparent and p = 1 opaque.
  const double margin = std::max(1e-6, std::min({soft_margin, threshold, 1 - threshold}));
  std::transform(probabilities.begin(), probabilities.end(), alpha.pixels.begin(),
                 [&](float p) { return to_byte(255 * (0.5 + (static_cast<double>(p) - threshold) / (2 * margin))); });
  return alpha;
}

Image render_cutout(const Image& photograph, const Image& alpha) {
  WEFT_CHECK((photograph.channels == 3 || photograph.channels == 4) && alpha.channels == 1 &&
                 photograph.width == alpha.width && photograph.height == alpha.height,
             "[render] expected an RGB or RGBA picture and an alpha of its size, got {} x {} x {} and {} x {} x {}",
             photograph.width, photograph.height, photograph.channels, alpha.width, alpha.height, alpha.channels);
  Image picture(photograph.width, photograph.height, 4);
  const auto channels = static_cast<std::size_t>(photograph.channels);
  for (std::size_t i = 0; i < alpha.pixels.size(); ++i) {
    const std::uint8_t* own = &photograph.pixels[channels * i];
    const int seen = channels == 3 ? alpha.pixels[i] : (alpha.pixels[i] * own[3] + 127) / 255;
    if (seen > 0) std::copy_n(own, 3, &picture.pixels[4 * i]);
    picture.pixels[4 * i + 3] = static_cast<std::uint8_t>(seen);
  }
  return picture;
}

Image render_probability(std::span<const float> probabilities, int width, int height) {
  Image picture(width, height, 1);
  WEFT_CHECK(probabilities.size() == picture.pixels.size(), "[render] expected a probability for each pixel");
  std::transform(probabilities.begin(), probabilities.end(), picture.pixels.begin(),
                 [](float p) { return to_byte(255.0 * static_cast<double>(p)); });
  return picture;
}

Image side_by_side(std::span<const Image> pictures) {
  WEFT_CHECK(!pictures.empty(), "[render] no pictures");
  int width = gap * (static_cast<int>(pictures.size()) - 1);
  for (const Image& picture : pictures) {
    WEFT_CHECK(picture.height == pictures[0].height && (picture.channels == 1 || picture.channels == 3),
               "[render] expected grey or RGB pictures of one height");
    width += picture.width;
  }
  Image panel(width, pictures[0].height, 3, 255);
  int left = 0;
  for (const Image& picture : pictures) {
    for (int y = 0; y < picture.height; ++y) {
      for (int x = 0; x < picture.width; ++x) {
        const std::uint8_t* from = picture.at(y, x);
        for (int c = 0; c < 3; ++c) panel.at(y, left + x)[c] = from[picture.channels == 3 ? c : 0];
      }
    }
    left += picture.width + gap;
  }
  return panel;
}

}  // namespace weft
