#pragma once
// WebP through libwebp; of an animation the first frame.

#include <string>
#include <string_view>

#include "data/byte_reader.h"
#include "data/decoded_picture.h"
#include "data/picture_extras.h"

namespace weft {

/// RGB, or RGBA where the file has an alpha channel. Throws Error starting with `name`.
DecodedPicture decode_webp(Bytes file, std::string_view name, const DecodeOptions& options);

/// WebP of a picture with 1, 3 or 4 channels: without loss where `quality` is 101, else 0 to 100. Sides may have 16383
/// pixels.
std::string encode_webp(const Image& image, int quality, const PictureExtras& extras = {});
inline constexpr int webp_lossless = 101;

}  // namespace weft
