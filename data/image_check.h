#pragma once
// Tells picture formats apart by their first bytes; the name of a file proves nothing. The checks of
// each format's structure are in data/jpeg_check.h and data/png_check.h.

#include <string_view>

#include "data/byte_reader.h"

namespace weft {

enum class PictureFormat { jpeg, png };

/// Throws Error starting with `name` for an empty file and for any other format, named where it is known.
PictureFormat picture_format(Bytes file, std::string_view name);

}  // namespace weft
