#include "train/mask_shape.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/check.h"
#include "data/ignored.h"

namespace weft {
namespace {

/// 1 where `mask` is 0.
Image complement(const Image& mask) {
  Image result = mask;
  for (std::uint8_t& v : result.pixels) v = v == 0;
  return result;
}

/// 1 where the mask is ignored.
Image ignored_only(const Image& mask) {
  Image result = mask;
  for (std::uint8_t& v : result.pixels) v = v == ignored_pixel;
  return result;
}

void check_mask(const Image& mask) {
  WEFT_CHECK(mask.channels == 1, "[mask_shape] expected a mask with one channel, got {}", mask.channels);
}

}  // namespace

// A disc is a stack of horizontal runs. Sums along each row tell in two look-ups whether a run meets the mask.
Image dilated(const Image& mask, int radius) {
  check_mask(mask);
  const int width = mask.width, height = mask.height;
  std::vector<int> sums(static_cast<std::size_t>(width) + 1);
  Image out(width, height, 1);
  for (int row = 0; row < height; ++row) {
    for (int x = 0; x < width; ++x)
      sums[static_cast<std::size_t>(x) + 1] = sums[static_cast<std::size_t>(x)] + (*mask.at(row, x) != 0);
    if (sums.back() == 0) continue;
    for (int dy = -radius; dy <= radius; ++dy) {
      const int y = row + dy;
      if (y < 0 || y >= height) continue;
      const int reach = static_cast<int>(std::sqrt(static_cast<double>(radius * radius - dy * dy)));
      std::uint8_t* line = out.at(y, 0);
      for (int x = 0; x < width; ++x) {
        const auto begin = static_cast<std::size_t>(std::max(0, x - reach)),
                   end = static_cast<std::size_t>(std::min(width, x + reach + 1));
        line[x] |= sums[end] != sums[begin];
      }
    }
  }
  return out;
}

Image boundary(const Image& mask) {
  check_mask(mask);
  Image out(mask.width, mask.height, 1);
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      if (*mask.at(y, x) == 0) continue;
      *out.at(y, x) = (x > 0 && *mask.at(y, x - 1) == 0) || (x + 1 < mask.width && *mask.at(y, x + 1) == 0) ||
                      (y > 0 && *mask.at(y - 1, x) == 0) || (y + 1 < mask.height && *mask.at(y + 1, x) == 0);
    }
  }
  return out;
}

Image thin_parts(const Image& mask, int radius) {
  Image eroded = complement(dilated(complement(mask), radius));
  Image thin = dilated(eroded, radius);
  for (std::size_t i = 0; i < thin.pixels.size(); ++i) {
    thin.pixels[i] = mask.pixels[i] != 0 && mask.pixels[i] != ignored_pixel && thin.pixels[i] == 0;
  }
  return thin;
}

int thin_radius(int width, int height) {
  return std::max(1, static_cast<int>(std::lround(0.006 * std::max(width, height))));
}

double boundary_f_score(const Image& prediction, const Image& truth, int tolerance) {
  WEFT_CHECK(prediction.width == truth.width && prediction.height == truth.height,
             "[boundary_f_score] expected masks of one size, got {} x {} and {} x {}", prediction.width,
             prediction.height, truth.width, truth.height);
  Image p = boundary(prediction), t = boundary(without_ignored(truth, truth));
  const Image near_p = dilated(p, tolerance), near_t = dilated(t, tolerance);
  if (has_ignored(truth)) {
    const Image doubtful = dilated(ignored_only(truth), 1);
    for (std::size_t i = 0; i < doubtful.pixels.size(); ++i) {
      if (doubtful.pixels[i] != 0) p.pixels[i] = t.pixels[i] = 0;
    }
  }
  // Where only one has a boundary, none of it finds a partner: its share is 0.
  const Overlap precision = overlap(p, near_t), recall = overlap(t, near_p);
  const double sum = precision.share() + recall.share();
  return sum > 0 ? 2 * precision.share() * recall.share() / sum : 0;
}

Overlap& Overlap::operator+=(const Overlap& other) {
  pixels += other.pixels;
  found += other.found;
  return *this;
}

Overlap overlap(const Image& part, const Image& mask) {
  WEFT_CHECK(part.pixels.size() == mask.pixels.size(), "[overlap] expected masks of one size");
  Overlap result;
  for (std::size_t i = 0; i < part.pixels.size(); ++i) {
    result.pixels += part.pixels[i] != 0;
    result.found += part.pixels[i] != 0 && mask.pixels[i] != 0;
  }
  return result;
}

}  // namespace weft
