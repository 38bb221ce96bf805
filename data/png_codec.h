#pragma once
// PNG through libpng, which keeps palette indices apart from the colours they stand for.

#include <string>
#include <string_view>

#include "data/image.h"
#include "data/png_check.h"

namespace weft {

/// RGB of the file that `info` describes, as stored (no orientation): grey is repeated, palettes are
/// looked up, 16 bits are rounded to 8, and what is transparent lies on white, as on a page: the colour
/// under full transparency is arbitrary, often black, and a cut-out must not get a black background.
Image decode_png(const PngInfo& info, std::string_view name);

/// One channel of label ids: palette indices or grey values as stored, 1 to 8 bits. Throws Error for
/// colour, alpha and 16 bits: such a mask has no ids.
Image decode_png_ids(const PngInfo& info, std::string_view name);

/// PNG of a picture with 1 (grey), 3 (RGB) or 4 (RGBA) channels, with weft's note (data/software_note.h).
std::string encode_png(const Image& image);

}  // namespace weft
