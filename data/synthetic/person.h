#pragma once
// The order in which a person is painted, back to front.

#include "data/synthetic/outfit.h"

namespace weft::synthetic {

void draw_person(const Drawing& to, const Outfit& outfit);

}  // namespace weft::synthetic
