#pragma once
// Sampling a picture on another grid.
//
// The centre of pixel i lies at i + 1/2 (PyTorch's align_corners=False, OpenCV's INTER_LINEAR), so pixel i
// of the result looks at the point s = (i + 1/2) * old/new of the source. Bilinear weighs the pixels around s by
//
//   w(j) ~ max(0, 1 - |j + 1/2 - s| / r)      r = 1                 plain: the two nearest, per axis
//                                             r = max(1, old/new)   antialias: all that the new pixel covers
//
// with the weights of existing pixels scaled to sum to 1, which repeats the edge.
// Networks here are trained and run with `plain`, as those that they are compared with are
// (cv2.INTER_LINEAR, albumentations). It skips pixels where a picture shrinks to less than half.

#include <span>
#include <vector>

#include "data/image.h"

namespace weft {

enum class Sampling { plain, antialias };

/// 8-bit picture of any number of channels to width x height; rounds to nearest. The same size is a copy.
Image resize_bilinear(const Image& image, int width, int height, Sampling sampling = Sampling::plain);

/// Each pixel the mean of `divisor` x `divisor`, of what there is of them at the right and lower edge: the sizes are
/// rounded up.
Image shrink(const Image& image, int divisor);
/// `size` / `divisor`, rounded up.
int shrunk(int size, int divisor);

/// Plain sampling of a picture of full_width x full_height of which `image` is what shrink() or a decoder left,
/// `divisor` times smaller: its last column and row may stand for less than a whole pixel.
Image resize_shrunk(const Image& image, int full_width, int full_height, int divisor, int width, int height);

/// Label ids: the pixel that holds the point s, floor((i + 1/2) * old/new). The point is the one that
/// resize_bilinear looks at, so mask and picture stay together (OpenCV's INTER_NEAREST_EXACT; its INTER_NEAREST
/// takes floor(i * old/new), up to half a source pixel off).
Image resize_nearest(const Image& ids, int width, int height);

/// Rows [first_row, first_row + rows) of resize_plane()'s result.
std::vector<float> resize_plane_rows(std::span<const float> plane, int width, int height, int new_width, int new_height,
                                     int first_row, int rows);
/// One channel of floats [height, width], such as logits or probabilities on their way back to the size of
/// the picture. Plain sampling.
std::vector<float> resize_plane(std::span<const float> plane, int width, int height, int new_width, int new_height);

}  // namespace weft
