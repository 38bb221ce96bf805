#pragma once
// Augmentation: each time a sample is seen, it is flipped, moved, turned and relit a little, by the
// definitions of albumentations (HorizontalFlip, ShiftScaleRotate, RandomBrightnessContrast, RandomGamma).
//
// What happens to a sample is drawn first, as a struct of numbers; picture and mask are then made from the same draw.

#include <array>
#include <string>

#include "core/random.h"
#include "data/affine.h"
#include "data/degrade.h"
#include "data/fit.h"
#include "data/image.h"

namespace weft {

struct AugmentOptions {
  double flip_probability = 0;
  double warp_probability = 0;
  double shift_limit = 0.0625;         // of the side, per axis
  double scale_limit = 0.1;            // factor 1 - limit to 1 + limit, the same for both axes
  double rotate_limit = 15;            // degrees, both ways
  double contrast_probability = 0;
  double brightness_limit = 0.2;       // of full scale, added
  double contrast_limit = 0.2;         // factor 1 - limit to 1 + limit
  double gamma_probability = 0;
  double gamma_limit = 0.2;            // exponent 1 - limit to 1 + limit
  double aspect_limit = 0;             // width times, height over a factor 1 - limit to 1 + limit, with the warp
  bool crops_at_random = false;        // what of a canvas larger than the sample is taken; false: its middle
  DegradeOptions degrade;

  /// "none"; "default": flip and warp, each with probability 0.5; "strong": these, with turns of up to 30 degrees and
  /// scales of up to 0.2, and brightness, contrast and gamma, each with probability 0.5; "robust": strong with wider
  /// scales, changes of aspect ratio, crops, and the six degradations. Throws Error for another name.
  static AugmentOptions named(const std::string& name);
};

/// What happens to one sample. The default is nothing.
struct AugmentDraw {
  bool is_flipped = false;
  bool is_warped = false;
  double shift_x = 0, shift_y = 0;  // of the sample's sides, to the right and down
  double scale = 1;
  double aspect = 1;                // factor of the width, and divisor of the height
  double angle = 0;                 // degrees, anticlockwise
  double crop_x = 0.5, crop_y = 0.5;  // where the sample lies on what is larger than it: 0 left or top, 1 right or bottom
  double contrast = 1, brightness = 0, gamma = 1;
  Degradation degradation;
};

/// Pixels of a sample.
struct SampleSize {
  int width, height;
};

/// Takes the same count of numbers from `random` whatever the options, so that switching one part off leaves the others
/// as they were.
AugmentDraw draw_augmentation(const AugmentOptions& options, Random& random);

/// Where each pixel of the sample looks on the canvas.
Affine augment_map(const AugmentDraw& draw, int canvas_width, int canvas_height, SampleSize sample);

/// New value of each 8-bit value: 255 * clip(contrast * v/255 + brightness)^gamma, rounded.
std::array<std::uint8_t, 256> augment_tones(const AugmentDraw& draw);

/// The RGB picture and its mask as a sample, augmented, but for the degradation. Where the canvas is larger than the
/// sample it is cut, where it is smaller it is mirrored. One resampling for fit and warp together; a draw that moves
/// nothing, on a sample of the canvas's size, gives fit_picture and fit_mask exactly, a flip their mirror image.
Image augment_picture(const Image& picture, const Placement& placement, const AugmentDraw& draw, SampleSize sample);
Image augment_mask(const Image& ids, const Placement& placement, const AugmentDraw& draw, SampleSize sample);

/// Both, degraded: as the network is to learn them.
struct AugmentedPair {
  Image picture, mask;
};
AugmentedPair augment(const Image& picture, const Image& ids, const Placement& placement, const AugmentDraw& draw,
                      SampleSize sample);

}  // namespace weft
