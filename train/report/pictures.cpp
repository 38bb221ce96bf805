#include "train/report/pictures.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "data/jpeg_codec.h"
#include "data/render.h"
#include "data/resize.h"

namespace weft {
namespace {

constexpr int quality = 82;

// Okabe and Ito's colours, which the colour-blind tell apart as well.
using Colour = std::array<double, 3>;
constexpr Colour found = {86, 180, 233}, missed = {230, 159, 0}, wrong = {204, 121, 167};

struct Size {
  int width, height;
};

Size thumbnail_size(const Image& image, int side) {
  const int longer = std::max(image.width, image.height);
  if (longer <= side) return {image.width, image.height};
  const auto scaled = [&](int length) { return std::max(1, static_cast<int>(std::int64_t{length} * side / longer)); };
  return {scaled(image.width), scaled(image.height)};
}

Image small(const Image& photograph, Size size) {
  return resize_bilinear(photograph, size.width, size.height, Sampling::antialias);
}

Image mistakes(const Image& photograph, const Image& truth, const Image& prediction) {
  Image picture = photograph;
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      std::uint8_t* pixel = picture.at(y, x);
      const double grey = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
      const bool is_clothing = *truth.at(y, x) != 0, is_predicted = *prediction.at(y, x) != 0;
      const Colour& colour = !is_clothing ? wrong : is_predicted ? found : missed;
      // What was found stays in the background, the mistakes stand out.
      const double weight = is_clothing == is_predicted ? (is_clothing ? 0.45 : 0) : 0.85;
      for (std::size_t c = 0; c < 3; ++c)
        pixel[c] = static_cast<std::uint8_t>(weight * colour[c] + (1 - weight) * grey + 0.5);
    }
  }
  return picture;
}

}  // namespace

std::string photograph_jpeg(const Image& photograph, int side) {
  return encode_jpeg(small(photograph, thumbnail_size(photograph, side)), quality);
}

std::string overlay_jpeg(const Image& photograph, const Image& mask, int side) {
  const Size size = thumbnail_size(photograph, side);
  return encode_jpeg(render_overlay(small(photograph, size), resize_nearest(mask, size.width, size.height)), quality);
}

std::string mistakes_jpeg(const Image& photograph, const Image& truth, const Image& prediction, int side) {
  const Size size = thumbnail_size(photograph, side);
  const Image picture = small(photograph, size);
  const Image parts[] = {picture, mistakes(picture, resize_nearest(truth, size.width, size.height),
                                           resize_nearest(prediction, size.width, size.height))};
  return encode_jpeg(side_by_side(parts), quality);
}

std::string data_uri(std::string_view jpeg) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string uri = "data:image/jpeg;base64,";
  uri.reserve(uri.size() + (jpeg.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < jpeg.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, jpeg.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < count ? static_cast<std::uint8_t>(jpeg[i + k]) : std::uint8_t{0});
    for (std::size_t k = 0; k < 4; ++k) uri += k <= count ? digits[bits >> (18 - 6 * k) & 63] : '=';
  }
  return uri;
}

}  // namespace weft
