#pragma once
// Colours through ICC profiles (lcms2). The network was trained on sRGB, so that is what it sees; what is cut out keeps
// the numbers and the profile of its file.

#include <array>
#include <string>

#include "data/image.h"

namespace weft {

/// How many channels the colours of an ICC profile have: 1 grey, 3 RGB, 4 CMYK; 0 where it is no profile for pictures.
int profile_channels(const std::string& profile);

/// RGB or RGBA in the colours of `profile` to sRGB, in place; alpha stays. Nothing changes where the profile is empty,
/// unusable, or sRGB itself.
void to_srgb(Image& image, const std::string& profile);

/// Grey to sRGB's grey, three channels, through a grey profile where there is one.
Image grey_to_srgb(const Image& grey, const std::string& profile);

/// CMYK, 255 being no ink, to sRGB: through a CMYK profile where there is one, else as ink that lets light through.
Image cmyk_to_srgb(const Image& cmyk, const std::string& profile);

/// x, y of red, green and blue under white D65.
using Primaries = std::array<double, 6>;
inline constexpr Primaries display_p3_primaries{0.680, 0.320, 0.265, 0.690, 0.150, 0.060};
inline constexpr Primaries bt2020_primaries{0.708, 0.292, 0.170, 0.797, 0.131, 0.046};

/// An ICC profile of these primaries with sRGB's tone curve.
std::string rgb_profile(const Primaries& primaries);

}  // namespace weft
