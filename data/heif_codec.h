#pragma once
// HEIC and AVIF through libheif, which is loaded when the first such file comes: few folders hold one, and with its
// codecs it would add to every start.

#include <string_view>

#include "data/byte_reader.h"
#include "data/decoded_picture.h"

namespace weft {

/// The primary picture, RGB or RGBA, with the file's own turns and cuts applied. Throws Error starting with `name`,
/// also where libheif is not installed.
DecodedPicture decode_heif(Bytes file, std::string_view name, const DecodeOptions& options);

}  // namespace weft
