#pragma once
// What a decoder hands over: the picture as its file holds it, and what the file says about how to show it.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "data/image.h"

namespace weft {

/// Pixels per metre of paper, across and down; 0 where the file does not say.
struct Density {
  std::uint32_t x = 0, y = 0;
  bool operator==(const Density&) const = default;
};

/// What the channels of a decoded picture are.
enum class Samples { grey, rgb, rgba, cmyk };

struct DecodedPicture {
  Image image;  // as stored; alpha is not multiplied in; CMYK: 255 is no ink
  Samples samples = Samples::rgb;
  int width = 0, height = 0;  // of the picture in the file: image is smaller where it was decoded reduced
  int orientation = 1;        // EXIF's, still to be applied
  std::string profile;        // ICC, for the samples as they are; empty: sRGB
  Density density;
};

struct DecodeOptions {
  /// More pixels are refused before memory is taken.
  std::int64_t max_pixels = 0;
  /// From width and height, upright, the divisor (1, 2, 4, ...) by which a decoder may shrink the picture while it
  /// decodes. None: never.
  std::function<int(int width, int height)> reduction = nullptr;
};

/// Throws Error starting with `name` where a picture of this size must not be decoded: no pixels, more than
/// `max_pixels`, or far more than a file of `file_bytes` can be honest about (a solid colour takes little room, so
/// this is the last resort for small files that promise hundreds of megabytes).
void check_size(std::int64_t width, std::int64_t height, std::size_t file_bytes, std::int64_t max_pixels,
                std::string_view name);

}  // namespace weft
