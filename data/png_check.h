#pragma once
// The chunks of a PNG file (ISO/IEC 15948), walked before libpng sees a byte: what is truncated or out of
// order is refused with its place, and of what remains libpng is handed only the chunks that make the
// picture, so a text chunk that inflates to gigabytes is never inflated.

#include <cstdint>
#include <string_view>
#include <vector>

#include "data/byte_reader.h"

namespace weft {

enum class PngColour : std::uint8_t { grey = 0, rgb = 2, palette = 3, grey_alpha = 4, rgba = 6 };

struct PngInfo {
  int width = 0, height = 0;
  int bit_depth = 8;
  PngColour colour = PngColour::rgb;
  bool has_transparency = false;  // a tRNS chunk
  int orientation = 1;            // eXIf chunk, see data/exif.h
  std::vector<Bytes> chunks;      // IHDR, PLTE, tRNS, IDAT..., IEND with their lengths, names and CRCs

  bool has_alpha() const { return has_transparency || colour == PngColour::grey_alpha || colour == PngColour::rgba; }
};

/// Throws Error starting with `name` where the file is truncated, breaks the order of chunks, fails a CRC
/// in a chunk that is used, or holds more than `max_pixels`. Bytes after IEND do not matter. A header
/// that promises more rows than the compressed data can hold is refused before anything is allocated.
PngInfo check_png(Bytes file, std::string_view name, std::int64_t max_pixels);

}  // namespace weft
