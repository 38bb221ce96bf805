#pragma once

#include "core/random.h"
#include "data/image.h"

namespace weft {

/// Things that come between the camera and the subject, painted into the picture one after the other until `share` of
/// its pixels are covered: arms (a tapering limb of one of many skin tones that enters from the picture's border, lit
/// like a cylinder) and objects (rounded boxes and ellipses, turned, plain or striped, in two colours). They aim at the
/// middle of the picture, where subjects are. Returns what is covered, 1 or 0, one channel: nothing of the subject is
/// seen there, and the truth has to say so.
Image cut_in(Image& picture, double share, Random& random);

}  // namespace weft
