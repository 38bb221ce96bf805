#pragma once
// A photograph as people keep it, of any format: its pixels upright, and what belongs into a cut-out of it.

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "data/byte_reader.h"
#include "data/decoded_picture.h"
#include "data/picture_extras.h"

namespace weft {

/// Pictures beyond this are refused before they are decoded; 250 megapixels are 750 MB of RGB.
inline constexpr std::int64_t default_max_pixels = 250'000'000;

struct Photograph {
  Image image;                // RGB or RGBA (alpha not multiplied in), upright, in the colours of extras.profile
  int width = 0, height = 0;  // of the picture in the file, upright: image is smaller where it was read reduced
  PictureExtras extras;       // the file's RGB profile and resolution
};

struct PhotographOptions {
  std::int64_t max_pixels = default_max_pixels;
  /// From width and height, upright, by how much (1, 2, 4, ...) the picture may be reduced: each side is then divided
  /// by it and rounded up. JPEG is decoded at the reduced size, by up to 8; other formats are averaged down.
  std::function<int(int width, int height)> reduction = nullptr;
};

/// Throws Error starting with `name`. Grey and CMYK become sRGB; palettes are looked up, 16 bits are rounded to 8.
Photograph decode_photograph(Bytes file, std::string_view name, const PhotographOptions& options = {});
Photograph load_photograph(const std::filesystem::path& path, const PhotographOptions& options = {});

/// The photograph as the network and people see it: sRGB, what is transparent on white. The colour under full
/// transparency is arbitrary, often black, and must not become a black background.
Image as_seen(Photograph photograph);

/// RGBA on a background: 3 channels.
Image on_colour(const Image& rgba, std::array<std::uint8_t, 3> background);

}  // namespace weft
