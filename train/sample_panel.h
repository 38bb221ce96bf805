#pragma once

#include "data/image.h"

namespace weft {

/// photograph | truth | prediction, side by side, at most 512 pixels high. The masks (0 or 1) appear black and white,
/// ignored pixels grey.
Image sample_panel(const Image& picture, const Image& truth, const Image& prediction);

}  // namespace weft
