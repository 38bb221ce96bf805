#pragma once

#include "data/image.h"

namespace weft {

/// The picture after a real JPEG encoder and decoder, quality 1 to 100: 8 x 8 blocks, colours at half the resolution
/// at 90 and below.
Image recompress(const Image& picture, int quality);

}  // namespace weft
