#pragma once
// JPEG through stb_image and stb_image_write.

#include <string>
#include <string_view>

#include "data/byte_reader.h"
#include "data/image.h"

namespace weft {

/// RGB of a file that check_jpeg has accepted, as stored (no orientation). Throws Error starting with
/// `name` where the decoder refuses it all the same.
Image decode_jpeg(Bytes file, std::string_view name);

/// Baseline JPEG of a picture with 1 or 3 channels; quality 1 to 100.
std::string encode_jpeg(const Image& image, int quality);

}  // namespace weft
