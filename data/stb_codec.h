#pragma once
// BMP, the first frame of a GIF, TGA and PSD (the flattened picture) through stb_image. Its readers for JPEG, PNG, PNM,
// PIC and HDR are compiled out.

#include <string_view>

#include "data/byte_reader.h"
#include "data/decoded_picture.h"

namespace weft {

/// Grey, RGB or RGBA. Throws Error starting with `name`; also for a file that ends before its picture does, which
/// stb_image itself fills up with zeros.
DecodedPicture decode_stb(Bytes file, std::string_view name, const DecodeOptions& options);

}  // namespace weft
