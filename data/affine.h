#pragma once
// One affine warp with one resampling: fitting to the canvas, flip, shift, scale and rotation are composed
// as maps of points, and the source picture is sampled once, so nothing is blurred twice.

#include "data/fit.h"
#include "data/image.h"

namespace weft {

/// (x, y) -> (a x + b y + c, d x + e y + f)
struct Affine {
  double a = 1, b = 0, c = 0;
  double d = 0, e = 1, f = 0;

  /// This map after `first`.
  Affine after(const Affine& first) const;
  /// Throws Error for a map that flattens the plane.
  Affine inverse() const;
};

/// A picture of `width` x `height` whose pixel q shows what lies at map(q) on the canvas that `placement` describes, pixel
/// centres at whole numbers. Points outside the canvas are mirrored at the centres of its border pixels (reflect-101:
/// ... 2 1 | 0 1 2 ... n-1 | n-2 ...). Bilinear for the RGB picture, nearest for label ids.
Image warp_picture(const Image& picture, const Placement& placement, const Affine& map, int width, int height);
Image warp_mask(const Image& ids, const Placement& placement, const Affine& map, int width, int height);

}  // namespace weft
