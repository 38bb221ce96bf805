#pragma once
// How a picture of any size lies on the canvas that the network sees, and how the network's answer comes
// back. The way back is exact: the picture covers whole pixels of the canvas, so the same rectangle is cut out
// and sampled on the picture's own grid.

#include <array>
#include <span>
#include <string>
#include <vector>

#include "data/image.h"

namespace weft {

enum class Fit {
  stretch,    // the picture fills the canvas; its aspect ratio changes
  letterbox,  // the picture keeps its aspect ratio and lies in the middle, with a border around it
  area,       // the canvas takes the picture's aspect ratio and keeps its own area: no border, (nearly) no distortion
};

/// "stretch", "letterbox" or "area"; throws Error for anything else.
Fit fit_from(const std::string& name);

struct Placement {
  int picture_width = 0, picture_height = 0;
  int canvas_width = 0, canvas_height = 0;
  int x = 0, y = 0, width = 0, height = 0;  // the rectangle of the canvas that the picture covers

  bool fills_canvas() const { return width == canvas_width && height == canvas_height; }
  /// The canvas is the picture: there is nothing to fit.
  bool keeps_picture() const { return fills_canvas() && width == picture_width && height == picture_height; }
};

/// Where a picture lies on a canvas of a given size. With Fit::area the canvas is another one of the same area, whose
/// sides are the multiples of 32 that the network asks for, nearest to the picture's aspect ratio: 512 x 512 becomes
/// 416 x 640 for a picture of 400 x 600. The picture fills it, stretched by less than a 26th for sides of 416 and more.
Placement place(int picture_width, int picture_height, int canvas_width, int canvas_height, Fit fit);

/// The picture as it is, at the top left of the smallest canvas whose sides are multiples of `multiple`.
Placement place_native(int picture_width, int picture_height, int multiple = 32);

/// Colour of the border: ImageNet's mean, which normalisation takes to (nearly) 0.
inline constexpr std::array<std::uint8_t, 3> border_colour{124, 116, 104};

/// By what power of two a picture may be shrunk (data/resize.h) and still have the pixels that the canvas asks for:
/// plain sampling of what is left skips none. 1 for pictures of less than twice the size.
int divisor_for(const Placement& placement);

/// RGB picture and label ids on the canvas: bilinear (plain) and nearest; the border is border_colour and id 0. The
/// picture is shrunk first by divisor_for(); it may also come shrunk by a power of two below that.
Image fit_picture(const Image& picture, const Placement& placement);
Image fit_mask(const Image& ids, const Placement& placement);

/// Rows [first_row, first_row + rows) of unfit_plane()'s result. A photograph of 200 megapixels has no plane of floats
/// that anybody wants to keep.
std::vector<float> unfit_rows(std::span<const float> canvas, const Placement& placement, int first_row, int rows);
/// A plane [canvas_height, canvas_width] of logits or probabilities, back at the picture's own size.
std::vector<float> unfit_plane(std::span<const float> canvas, const Placement& placement);

}  // namespace weft
