#pragma once
// PNG through libpng, which keeps palette indices apart from the colours they stand for.

#include <string>
#include <string_view>

#include "data/byte_reader.h"
#include "data/decoded_picture.h"
#include "data/picture_extras.h"

namespace weft {

/// RGB, or RGBA where something is transparent: grey is repeated, palettes are looked up, 16 bits are rounded to 8.
/// Ancillary chunks that are wrong or out of place are passed over, as libpng warns of them; truncated data and wrong
/// checksums of what makes the picture are an Error that starts with `name`.
DecodedPicture decode_png(Bytes file, std::string_view name, const DecodeOptions& options);

/// One channel of label ids: palette indices as stored, grey of 1, 2 and 4 bits scaled to 8 as the PNG specification
/// has it (4 bits: 1 becomes 17, so that ids written as 0 and 17 come back as these). 16 bits: the values themselves
/// where all are below 256, the high bytes where all are multiples of 257. Throws Error for colour and alpha, and for
/// other values of 16 bits: such a mask has no ids.
DecodedPicture decode_png_ids(Bytes file, std::string_view name, const DecodeOptions& options);

/// PNG of a picture with 1 (grey), 3 (RGB) or 4 (RGBA) channels, with weft's note (data/software_note.h).
std::string encode_png(const Image& image, const PictureExtras& extras = {});

}  // namespace weft
