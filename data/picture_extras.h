#pragma once
// What travels beside the pixels into a file that weft writes.

#include <string>

#include "data/decoded_picture.h"

namespace weft {

struct PictureExtras {
  std::string profile;  // ICC of the pixels' colours; empty: none is written
  Density density;
};

}  // namespace weft
