#include "data/degrade.h"

#include <cmath>

#include "core/check.h"
#include "tests/catch.h"
#include "tests/data/jpeg_builder.h"

using namespace weft;

namespace {

const DegradeOptions always{1, 1, 1, 1, 1, 1};

double mean_of(const Image& picture) {
  double sum = 0;
  for (const std::uint8_t v : picture.pixels) sum += v;
  return sum / static_cast<double>(picture.pixels.size());
}

}  // namespace

TEST_CASE("what may happen to a sample keeps its ranges, and happens as often as asked", "[degrade]") {
  const DegradeOptions half{0.5, 0.5, 0.5, 0.5, 0.5, 0.5};
  int occluded = 0, backlit = 0, dark = 0, moved = 0, soft = 0, coloured = 0, compressed = 0;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    Random random(3, {i});
    const Degradation d = draw_degradation(half, random);
    occluded += d.occluded_share > 0;
    backlit += d.backlight.has_value();
    dark += d.exposure < 1;
    moved += d.motion_length > 0;
    soft += d.blur_deviation > 0;
    coloured += d.saturation != 1;
    compressed += d.jpeg_quality > 0;
    REQUIRE(d.occluded_share <= 0.2);
    REQUIRE((d.exposure == 1 || (d.exposure >= std::exp2(-4.5) && d.electrons >= 400)));
    REQUIRE((d.electrons == 0 || (d.electrons >= 30 && d.electrons <= 4000)));
    REQUIRE((d.jpeg_quality == 0 || (d.jpeg_quality >= 8 && d.jpeg_quality <= 60)));
    REQUIRE_FALSE((d.motion_length > 0 && d.blur_deviation > 0));
    REQUIRE_FALSE((d.backlight && d.exposure < 1));
  }
  for (const int count : {occluded, coloured, compressed}) CHECK(std::abs(count - 2000) < 150);
  for (const int count : {backlit, dark, moved, soft}) CHECK(std::abs(count - 1000) < 150);
}

TEST_CASE("one degradation's probability leaves the others' draws as they were", "[degrade]") {
  DegradeOptions without = always;
  without.occlusion_probability = without.light_probability = without.blur_probability = 0;
  for (std::uint64_t i = 0; i < 20; ++i) {
    Random a(1, {i}), b(1, {i});
    const Degradation all = draw_degradation(always, a), some = draw_degradation(without, b);
    CHECK(all.gain == some.gain);
    CHECK(all.jpeg_quality == some.jpeg_quality);
    CHECK(all.stream == some.stream);
    CHECK(a.next() == b.next());
  }
}

TEST_CASE("no degradation changes nothing, each one changes the picture and only occlusion the mask", "[degrade]") {
  const Image plain = jpeg::test_picture(80, 64), truth(80, 64, 1, 1);
  const auto changes = [&](const Degradation& d, bool changes_mask = false) {
    Image picture = plain, mask = truth, again = plain, mask_again = truth;
    degrade(picture, mask, d);
    degrade(again, mask_again, d);
    CHECK(picture == again);
    CHECK((mask != truth) == changes_mask);
    return picture != plain;
  };
  CHECK_FALSE(changes({}));
  CHECK(changes({.occluded_share = 0.1}, true));
  CHECK(changes({.backlight = Backlight{0.5, 0.2, 0.5, 0}}));
  CHECK(changes({.blur_deviation = 20}));
  CHECK(changes({.motion_length = 60, .motion_angle = 20}));
  CHECK(changes({.exposure = 0.5, .electrons = 1000}));
  CHECK(changes({.saturation = 0.5}));
  CHECK(changes({.gain = {0.9, 1, 1.1}}));
  CHECK(changes({.jpeg_quality = 10}));
  Image small(3, 3, 3), mask(4, 3, 1);
  CHECK_THROWS_WITH(degrade(small, mask, {}), Contains("[degrade] expected an RGB picture and a mask of one size"));
}

TEST_CASE("saturation and white balance are those of the formula", "[degrade]") {
  Image picture(1, 1, 3), mask(1, 1, 1);
  picture.pixels = {200, 100, 50};
  Image grey = picture;
  degrade(grey, mask, {.saturation = 0});
  CHECK(grey.pixels == std::vector<std::uint8_t>(3, 124));  // 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2
  degrade(picture, mask, {.gain = {1.5, 1, 0.5}});
  CHECK(picture.pixels == std::vector<std::uint8_t>{255, 100, 25});
}

TEST_CASE("a sample in the dark is darker", "[degrade]") {
  Image picture = jpeg::test_picture(64, 64), mask(64, 64, 1);
  const double before = mean_of(picture);
  degrade(picture, mask, {.exposure = 0.25, .electrons = 4000});
  CHECK(mean_of(picture) < 0.7 * before);
}
