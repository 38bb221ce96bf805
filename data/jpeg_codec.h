#pragma once
// JPEG through libjpeg-turbo: baseline, progressive, arithmetic-coded; grey, RGB, YCbCr, CMYK and YCCK.

#include <string>
#include <string_view>

#include "data/byte_reader.h"
#include "data/decoded_picture.h"
#include "data/picture_extras.h"

namespace weft {

/// The picture, grey, RGB or CMYK; reduced by 2, 4 or 8 (width and height rounded up) where options.reduction says so.
/// Stray bytes, markers out of place and a missing end marker are passed over; blocks that are missing are an Error, as
/// is everything else that libjpeg-turbo gives up on. Messages start with `name`.
DecodedPicture decode_jpeg(Bytes file, std::string_view name, const DecodeOptions& options);

/// Baseline JPEG of a picture with 1 or 3 channels; quality 1 to 100, chroma at half the resolution up to 90.
std::string encode_jpeg(const Image& image, int quality, const PictureExtras& extras = {});

}  // namespace weft
