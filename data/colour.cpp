#include "data/colour.h"

#include <lcms2.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "core/check.h"

namespace weft {

namespace {

struct CloseProfile {
  void operator()(void* profile) const { cmsCloseProfile(profile); }
};
struct DeleteTransform {
  void operator()(void* transform) const { cmsDeleteTransform(transform); }
};
using Profile = std::unique_ptr<void, CloseProfile>;
using Transform = std::unique_ptr<void, DeleteTransform>;

Profile open_profile(const std::string& profile) {
  if (profile.empty()) return nullptr;
  return Profile(cmsOpenProfileFromMem(profile.data(), static_cast<cmsUInt32Number>(profile.size())));
}

int channels_of(const Profile& profile) {
  if (!profile) return 0;
  switch (cmsGetColorSpace(profile.get())) {
    case cmsSigGrayData:
      return 1;
    case cmsSigRgbData:
      return 3;
    case cmsSigCmykData:
      return 4;
    default:
      return 0;
  }
}

/// Nothing where lcms can't make one of the profile.
Transform srgb_transform(const Profile& from, cmsUInt32Number from_type, cmsUInt32Number to_type,
                         cmsUInt32Number flags = 0) {
  const Profile srgb(cmsCreate_sRGBProfile());
  if (!from || !srgb) return nullptr;
  return Transform(cmsCreateTransform(from.get(), from_type, srgb.get(), to_type, INTENT_RELATIVE_COLORIMETRIC,
                                      flags | cmsFLAGS_BLACKPOINTCOMPENSATION));
}

/// True where the profile takes no colour of a coarse grid further than the two steps that rounding makes: sRGB under
/// whatever name.
bool is_srgb(const Profile& profile) {
  const Transform transform = srgb_transform(profile, TYPE_RGB_8, TYPE_RGB_8);
  if (!transform) return false;
  constexpr int steps = 6;  // 0, 51, ..., 255
  std::array<std::uint8_t, 3 * steps * steps * steps> colours, seen;
  for (int i = 0; i < steps * steps * steps; ++i) {
    const int parts[] = {i % steps, i / steps % steps, i / steps / steps};
    for (std::size_t c = 0; c < 3; ++c)
      colours[static_cast<std::size_t>(3 * i) + c] = static_cast<std::uint8_t>(51 * parts[c]);
  }
  cmsDoTransform(transform.get(), colours.data(), seen.data(), colours.size() / 3);
  return std::equal(colours.begin(), colours.end(), seen.begin(), [](int a, int b) { return std::abs(a - b) <= 2; });
}

/// Rows one after the other, since lcms counts pixels in 32 bits.
void convert_rows(const Transform& transform, const Image& from, Image& to) {
  for (int y = 0; y < from.height; ++y) {
    cmsDoTransform(transform.get(), from.at(y, 0), to.at(y, 0), static_cast<cmsUInt32Number>(from.width));
  }
}

}  // namespace

int profile_channels(const std::string& profile) { return channels_of(open_profile(profile)); }

void to_srgb(Image& image, const std::string& profile) {
  WEFT_CHECK(image.channels == 3 || image.channels == 4, "[to_srgb] expected RGB or RGBA, got {} channels",
             image.channels);
  const Profile from = open_profile(profile);
  if (channels_of(from) != 3 || is_srgb(from)) return;
  const cmsUInt32Number type = image.channels == 3 ? TYPE_RGB_8 : TYPE_RGBA_8;
  const Transform transform = srgb_transform(from, type, type, cmsFLAGS_COPY_ALPHA);
  if (transform) convert_rows(transform, image, image);
}

Image grey_to_srgb(const Image& grey, const std::string& profile) {
  WEFT_CHECK(grey.channels == 1, "[grey_to_srgb] expected 1 channel, got {}", grey.channels);
  std::array<std::uint8_t, 256> seen;  // each grey as it looks
  for (std::size_t v = 0; v < seen.size(); ++v) seen[v] = static_cast<std::uint8_t>(v);
  const Profile from = open_profile(profile);
  if (channels_of(from) == 1) {
    if (const Transform transform = srgb_transform(from, TYPE_GRAY_8, TYPE_RGB_8)) {
      const auto values = seen;
      std::array<std::uint8_t, 3 * 256> colours;
      cmsDoTransform(transform.get(), values.data(), colours.data(), 256);
      for (std::size_t v = 0; v < seen.size(); ++v) seen[v] = colours[3 * v + 1];
    }
  }
  Image rgb(grey.width, grey.height, 3);
  for (std::size_t i = 0; i < grey.pixels.size(); ++i) std::fill_n(&rgb.pixels[3 * i], 3, seen[grey.pixels[i]]);
  return rgb;
}

Image cmyk_to_srgb(const Image& cmyk, const std::string& profile) {
  WEFT_CHECK(cmyk.channels == 4, "[cmyk_to_srgb] expected 4 channels, got {}", cmyk.channels);
  Image rgb(cmyk.width, cmyk.height, 3);
  const Profile from = open_profile(profile);
  if (channels_of(from) == 4) {
    if (const Transform transform = srgb_transform(from, TYPE_CMYK_8_REV, TYPE_RGB_8)) {
      convert_rows(transform, cmyk, rgb);
      return rgb;
    }
  }
  for (std::size_t i = 0; i < cmyk.pixels.size() / 4; ++i) {
    const std::uint8_t* ink = &cmyk.pixels[4 * i];
    for (std::size_t c = 0; c < 3; ++c)
      rgb.pixels[3 * i + c] = static_cast<std::uint8_t>((ink[c] * ink[3] + 127) / 255);
  }
  return rgb;
}

std::string rgb_profile(const Primaries& p) {
  const cmsCIExyY white{0.3127, 0.3290, 1};
  const cmsCIExyYTRIPLE primaries{{p[0], p[1], 1}, {p[2], p[3], 1}, {p[4], p[5], 1}};
  const double srgb_curve[] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
  const std::unique_ptr<cmsToneCurve, void (*)(cmsToneCurve*)> curve(
      cmsBuildParametricToneCurve(nullptr, 4, srgb_curve), cmsFreeToneCurve);
  cmsToneCurve* curves[] = {curve.get(), curve.get(), curve.get()};
  const Profile profile(cmsCreateRGBProfile(&white, &primaries, curves));
  cmsUInt32Number size = 0;
  WEFT_CHECK(profile && cmsSaveProfileToMem(profile.get(), nullptr, &size),
             "[rgb_profile] lcms cannot make the profile");
  std::string bytes(size, '\0');
  WEFT_CHECK(cmsSaveProfileToMem(profile.get(), bytes.data(), &size), "[rgb_profile] lcms cannot write the profile");
  // The time at which lcms made it (ICC.1, 7.2.8): equal runs write equal files.
  constexpr std::array<char, 12> new_year_2000{0x07, '\xD0', 0, 1, 0, 1};
  std::copy(new_year_2000.begin(), new_year_2000.end(), bytes.begin() + 24);
  return bytes;
}

}  // namespace weft
