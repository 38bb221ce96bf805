#pragma once
// Pictures that show a mask to a person. Masks are 1 channel, 0 or 1, of the photograph's size; every function
// throws Error where sizes or channels don't match.

#include <span>

#include "data/image.h"

namespace weft {

/// 0 -> black, 1 -> white (255).
Image render_mask(const Image& mask);
/// The photograph, pale and grey where the mask is 0, in its colours with a light tint where it is 1, and the border
/// between them drawn.
Image render_overlay(const Image& photograph, const Image& mask);
/// Alpha of a cut-out from the probability p, rising from 0 to 255 while p crosses the threshold by 0.2 either way
/// (less near 0 and 1: p = 0 is transparent, p = 1 opaque), so that the edge is as soft as the network was unsure.
Image render_alpha(std::span<const float> probabilities, int width, int height, double threshold);
/// RGBA: the photograph (RGB, or RGBA, whose own alpha counts as well) with this alpha. Colours under alpha 0 are
/// black.
Image render_cutout(const Image& photograph, const Image& alpha);
/// p in [0, 1] as grey 0 to 255.
Image render_probability(std::span<const float> probabilities, int width, int height);
/// Pictures of one height side by side (1 or 3 channels), with a white gap.
Image side_by_side(std::span<const Image> pictures);

}  // namespace weft
