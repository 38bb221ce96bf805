#pragma once
// What a HEIC or AVIF picture is put together from (ISO/IEC 23008-12), before anybody puts it together.
//
// A file holds items. One may be made of others, such as a grid of its tiles (reference "dimg"), or have another one
// beside it, such as its alpha ("auxl" from that one). Nothing in the format keeps these references from leading back to
// where they began, and libheif 1.15 follows them for ever, with a thread for each tile.

#include <string_view>

#include "data/byte_reader.h"

namespace weft {

/// Throws Error, which begins with `name`, where references lead in a circle or are nested more than 16 deep, or where
/// a picture asks for more than 10,000, itself included: 250 megapixels in tiles of 160 x 160. What is no HEIC passes.
void check_heif_references(Bytes file, std::string_view name);

}  // namespace weft
