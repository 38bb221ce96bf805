#pragma once
// What stands between a subject and a picture file, as an augmentation: things in front of the subject, the light behind
// it, the lens, the sensor, the colours that a camera's software makes, the file's compression. They happen in this
// order. The models of each are those of data/stress; here their strengths are drawn at random, and several may meet.

#include <array>
#include <cstdint>
#include <optional>

#include "core/random.h"
#include "data/image.h"
#include "data/stress/backlight.h"

namespace weft {

/// How often each of them happens to a sample.
struct DegradeOptions {
  double occlusion_probability = 0;
  double light_probability = 0;   // too little of it, or too much from behind: half of the cases each
  double blur_probability = 0;
  double noise_probability = 0;
  double colour_probability = 0;
  double jpeg_probability = 0;
};

/// What happens to one sample. The default is nothing.
struct Degradation {
  double occluded_share = 0;                 // of the picture
  std::optional<Backlight> backlight = std::nullopt;
  double blur_deviation = 0;                 // Gaussian, thousandths of the longer side
  double motion_length = 0, motion_angle = 0;  // thousandths of the longer side; degrees
  double exposure = 1, electrons = 0;        // of the sensor (data/stress/sensor.h); 0: no noise
  double saturation = 1;                     // 0: grey
  std::array<double, 3> gain{1, 1, 1};       // of the channels' 8-bit values: the white balance
  int jpeg_quality = 0;                      // 0: not compressed
  std::uint64_t stream = 0;                  // of all that is drawn pixel by pixel
};

/// Takes the same count of numbers from `random` whatever the options. The ranges: 3 to 20 % covered; low light of 0.5 to
/// 4.5 stops less; a backlit scene 0.3 to 2.5 stops underexposed, under a veil of 0.03 to 0.45; a blur of 0.5 to 4.5
/// thousandths or a movement of 2 to 18; 30 to 1500 electrons; saturation 0 (one in ten) or 0.4 to 1.6, gains 0.85 to
/// 1.15; quality 8 to 60.
Degradation draw_degradation(const DegradeOptions& options, Random& random);

/// Applies it to an RGB picture and its mask: what is covered becomes 0 in the mask, and nothing else changes there.
void degrade(Image& picture, Image& mask, const Degradation& degradation);

}  // namespace weft
