#include "data/colour.h"

#include <cstdlib>

#include "core/check.h"
#include "tests/catch.h"

using namespace weft;

namespace {
Image pixels(int channels, std::vector<std::uint8_t> values) {
  Image image(static_cast<int>(values.size()) / channels, 1, channels);
  image.pixels = std::move(values);
  return image;
}
bool is_near(const Image& a, const std::vector<std::uint8_t>& b, int by = 1) {
  for (std::size_t i = 0; i < b.size(); ++i) {
    if (std::abs(a.pixels[i] - b[i]) > by) return false;
  }
  return a.pixels.size() == b.size();
}
constexpr Primaries srgb_primaries{0.64, 0.33, 0.30, 0.60, 0.15, 0.06};
}  // namespace

// sRGB (200, 60, 60) is (184.6, 70.9, 65.9) in Display P3, by the matrices of both in XYZ.
TEST_CASE("colours of a wide gamut become those of sRGB", "[colour]") {
  const std::string p3 = rgb_profile(display_p3_primaries);
  CHECK(profile_channels(p3) == 3);
  Image rgb = pixels(3, {185, 71, 66, 128, 128, 128, 255, 255, 255, 0, 0, 0});
  to_srgb(rgb, p3);
  CHECK(is_near(rgb, {200, 60, 60, 128, 128, 128, 255, 255, 255, 0, 0, 0}, 2));
  Image rgba = pixels(4, {185, 71, 66, 7, 255, 255, 255, 0});
  to_srgb(rgba, p3);
  CHECK(is_near(rgba, {200, 60, 60, 7, 255, 255, 255, 0}, 2));
  CHECK(rgba.pixels[3] == 7);
}

TEST_CASE("sRGB by any name, no profile and a broken one change nothing", "[colour]") {
  const std::vector<std::uint8_t> values{200, 60, 61, 1, 2, 3};
  const std::string broken(200, 'x');
  for (const std::string& profile : {std::string(), rgb_profile(srgb_primaries), broken}) {
    Image rgb = pixels(3, values);
    to_srgb(rgb, profile);
    CHECK(rgb.pixels == values);
  }
  CHECK(profile_channels("") == 0);
  CHECK(profile_channels(broken) == 0);
  Image grey(1, 1, 1);
  CHECK_THROWS_WITH(to_srgb(grey, ""), Contains("expected RGB or RGBA"));
}

TEST_CASE("grey and CMYK become sRGB", "[colour]") {
  CHECK(grey_to_srgb(pixels(1, {0, 9, 255}), "").pixels == std::vector<std::uint8_t>{0, 0, 0, 9, 9, 9, 255, 255, 255});
  CHECK(cmyk_to_srgb(pixels(4, {255, 255, 255, 255, 255, 0, 0, 255, 200, 100, 50, 128}), "").pixels ==
        std::vector<std::uint8_t>{255, 255, 255, 255, 0, 0, 100, 50, 25});
  // A profile of other channels than the picture's does not apply.
  const std::string p3 = rgb_profile(display_p3_primaries);
  CHECK(grey_to_srgb(pixels(1, {77}), p3).pixels == std::vector<std::uint8_t>{77, 77, 77});
  CHECK(cmyk_to_srgb(pixels(4, {255, 255, 255, 255}), p3).pixels == std::vector<std::uint8_t>{255, 255, 255});
}
