#pragma once
// What several garments are sewn with.

#include "data/synthetic/head.h"

namespace weft::synthetic {

/// A thin dark line through points, on cloth that is there already.
void seam(const Drawing& to, const std::vector<TubePoint>& points, float strength = 0.4f);
/// A front that is buttoned from `top` to `bottom`.
void draw_buttons(const Drawing& to, Vec2 top, Vec2 bottom, Colour colour, float radius);
/// Rows of a trunk (Figure::trunk) with the waist filled up: `boxy` 0 follows the body, 1 hangs straight down from
/// the widest row below the chest.
std::vector<Row> hanging(std::vector<Row> rows, float boxy);

}  // namespace weft::synthetic
