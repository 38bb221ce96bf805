#pragma once
// The stress set: the pictures that a model is judged on, made harder in ways that photographs are. Five strengths of
// each; docs/accuracy.md says what they stand for.
//
//   strength                     1      2      3      4      5
//   low_light   stops            1      2      3      4      5       exposure 2^-stops, 4000 electrons at full scale
//   backlight   stops            0.5    1      1.5    2      2.5     exposure of the scene
//               veil             0.05   0.1    0.2    0.3    0.45    linear light scattered over it
//   occlusion   share            0.04   0.08   0.12   0.18   0.25    of the picture covered
//   blur        deviation        1      2      3      4.5    6       thousandths of the longer side; half of the
//               or length        4      8      12     18     24      pictures are blurred by motion instead
//   noise       electrons        800    300    120    50     20      at full scale, at full exposure
//   jpeg        quality          50     30     20     12     6
//
// Blur goes by the picture's side, so that a photograph and its half-size copy look alike.

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace weft {

/// "low_light", "backlight", "occlusion", "blur", "noise", "jpeg".
const std::vector<std::string>& stress_names();

inline constexpr int stress_strengths = 5;

/// The sample under a stress of strength 1 to 5. All that is random follows from the seed, the stem, the stress and
/// the strength. Occlusion makes the truth `background` (an id that is not clothing) where it covers it; no other
/// stress changes the truth. Throws Error for another name or strength.
Sample stressed(Sample sample, const std::string& stem, const std::string& stress, int strength, std::uint64_t seed,
                std::uint8_t background = 0);

}  // namespace weft
