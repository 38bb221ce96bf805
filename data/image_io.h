#pragma once
// Pictures and label masks from files, pictures to files.
//
// Every message starts with the file's path (or the name given). A file is read into memory, told by its
// first bytes, checked from end to end (data/jpeg_check.h, data/png_check.h), and only then decoded.

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "data/byte_reader.h"
#include "data/image.h"

namespace weft {

/// Pictures beyond this are refused before they are decoded; 100 megapixels are 300 MB of RGB.
inline constexpr std::int64_t default_max_pixels = 100'000'000;

/// RGB, 3 channels, upright (EXIF orientation applied), of a JPEG or PNG: grey is repeated, palettes are
/// looked up, 16 bits are rounded to 8, transparency is laid on white.
Image decode_image(Bytes file, std::string_view name, std::int64_t max_pixels = default_max_pixels);
Image load_image(const std::filesystem::path& path, std::int64_t max_pixels = default_max_pixels);

/// Label ids, 1 channel, of a PNG: palette indices or grey values exactly as stored. Refused by name:
/// JPEG (its compression changes ids), colour, alpha, 16 bits.
Image decode_label_mask(Bytes file, std::string_view name, std::int64_t max_pixels = default_max_pixels);
Image load_label_mask(const std::filesystem::path& path, std::int64_t max_pixels = default_max_pixels);

/// Writes 1 (grey), 3 (RGB) or 4 (RGBA) channels; the file appears whole or not at all.
void save_png(const std::filesystem::path& path, const Image& image);

}  // namespace weft
