#pragma once
// The fine detail of masks: their boundaries, and what is thin in them. Masks have one channel, 0 or not 0. A truth may
// have ignored pixels (data/ignored.h).

#include <cstdint>

#include "data/image.h"

namespace weft {

/// 1 within `radius` pixels (Euclid) of a pixel of the mask.
Image dilated(const Image& mask, int radius);

/// The mask's pixels that have a pixel outside the mask above, below, left or right; the picture's border is no
/// boundary.
Image boundary(const Image& mask);

/// The mask minus its opening by a disc: what no disc of that radius inside the mask covers. Those are straps, laces
/// and fringes up to 2 radius + 1 pixels wide, and the tips of corners. Beyond its border, and where it is ignored, the
/// mask is taken to go on.
Image thin_parts(const Image& mask, int radius);

/// The radius for thin_parts: 6 thousandths of the longer side (5 pixels of 800), at least 1. It grows with the
/// picture, because a bag's strap does.
int thin_radius(int width, int height);

/// Boundary F-score (Martin et al. 2004; Csurka et al. 2013): with P the share of the prediction's boundary within
/// `tolerance` pixels of the truth's, R the share of the truth's within that of the prediction's, F = 2 P R / (P + R).
/// 1 where neither has a boundary, 0 where only one has. A boundary in ignored pixels or beside them is not asked for
/// its partner: it may be where the annotator stopped.
double boundary_f_score(const Image& prediction, const Image& truth, int tolerance);

/// Pixels of `part`, and how many of them are in `mask`.
struct Overlap {
  std::int64_t pixels = 0, found = 0;
  Overlap& operator+=(const Overlap& other);
  double share() const { return pixels == 0 ? 1 : static_cast<double>(found) / static_cast<double>(pixels); }
};
Overlap overlap(const Image& part, const Image& mask);

}  // namespace weft
