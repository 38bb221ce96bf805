#pragma once
// PNM (PBM, PGM, PPM: P1 to P6). stb_image reads P5 and P6, but takes the bytes of 16 bits in the wrong order and every
// largest value for 255.

#include <string_view>

#include "data/byte_reader.h"
#include "data/decoded_picture.h"

namespace weft {

/// Grey or RGB, scaled from the file's largest value to 255. Throws Error starting with `name`.
DecodedPicture decode_pnm(Bytes file, std::string_view name, const DecodeOptions& options);

}  // namespace weft
