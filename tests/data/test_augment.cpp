#include "data/augment.h"

#include <cmath>

#include "core/check.h"
#include "tests/catch.h"
#include "tests/data/jpeg_builder.h"

using namespace weft;

namespace {

/// A mask of a few discs, and the picture that shows it in black and white.
std::pair<Image, Image> mask_and_picture(int width, int height) {
  Image mask(width, height, 1), picture(width, height, 3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const bool is_on = std::hypot(x - 0.3 * width, y - 0.4 * height) < 0.2 * width ||
                         std::hypot(x - 0.8 * width, y - 0.7 * height) < 0.15 * width;
      *mask.at(y, x) = is_on ? 1 : 0;
      for (int c = 0; c < 3; ++c) picture.at(y, x)[c] = is_on ? 255 : 0;
    }
  }
  return {mask, picture};
}

bool is_edge(const Image& mask, int y, int x) {
  for (int v = std::max(0, y - 1); v <= std::min(mask.height - 1, y + 1); ++v) {
    for (int u = std::max(0, x - 1); u <= std::min(mask.width - 1, x + 1); ++u) {
      if (*mask.at(v, u) != *mask.at(y, x)) return true;
    }
  }
  return false;
}

}  // namespace

TEST_CASE("draws keep their limits and their probabilities", "[augment]") {
  const AugmentOptions options = AugmentOptions::named("strong");
  int flips = 0, warps = 0, relit = 0, bent = 0;
  double largest_angle = 0, largest_shift = 0;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    Random random(5, {i});
    const AugmentDraw draw = draw_augmentation(options, random);
    flips += draw.is_flipped;
    warps += draw.is_warped;
    relit += draw.contrast != 1;
    bent += draw.gamma != 1;
    REQUIRE(std::abs(draw.shift_x) <= 0.0625);
    REQUIRE(std::abs(draw.scale - 1) <= 0.2);
    REQUIRE(std::abs(draw.brightness) <= 0.2);
    REQUIRE(std::abs(draw.gamma - 1) <= 0.2);
    if (!draw.is_warped) REQUIRE((draw.angle == 0 && draw.scale == 1 && draw.shift_y == 0));
    largest_angle = std::max(largest_angle, std::abs(draw.angle));
    largest_shift = std::max(largest_shift, std::abs(draw.shift_y));
  }
  for (const int count : {flips, warps, relit, bent}) CHECK(std::abs(count - 2000) < 150);
  CHECK(largest_angle > 29);
  CHECK(largest_angle <= 30);
  CHECK(largest_shift > 0.06);
}

TEST_CASE("augmentations are named", "[augment]") {
  Random random(1);
  const AugmentDraw none = draw_augmentation(AugmentOptions::named("none"), random);
  CHECK_FALSE(none.is_flipped);
  CHECK_FALSE(none.is_warped);
  CHECK(none.contrast == 1);
  CHECK(AugmentOptions::named("default").rotate_limit == 15);
  CHECK(AugmentOptions::named("default").contrast_probability == 0);
  CHECK_THROWS_WITH(AugmentOptions::named("heavy"),
                    Contains("unknown augmentation 'heavy'; expected none, default, strong or robust"));
}

TEST_CASE("switching one part off leaves the others as they were", "[augment]") {
  AugmentOptions all = AugmentOptions::named("strong"), no_flip = all;
  no_flip.flip_probability = 0;
  no_flip.contrast_probability = 0;
  for (std::uint64_t i = 0; i < 50; ++i) {
    Random a(1, {i}), b(1, {i});
    const AugmentDraw with = draw_augmentation(all, a), without = draw_augmentation(no_flip, b);
    CHECK(with.angle == without.angle);
    CHECK(with.gamma == without.gamma);
    CHECK(a.next() == b.next());
  }
}

TEST_CASE("picture and mask are augmented alike", "[augment]") {
  const auto [mask, picture] = mask_and_picture(150, 110);
  for (const Fit fit : {Fit::stretch, Fit::letterbox}) {
    const Placement p = place(150, 110, 96, 96, fit);
    for (std::uint64_t i = 0; i < 30; ++i) {
      Random random(7, {i});
      const AugmentDraw draw = draw_augmentation(AugmentOptions::named("default"), random);
      const Image canvas = augment_picture(picture, p, draw, {96, 96}), ids = augment_mask(mask, p, draw, {96, 96});
      int differing = 0;
      for (int y = 0; y < 96; ++y) {
        for (int x = 0; x < 96; ++x) {
          if (canvas.at(y, x)[2] == border_colour[2] && fit == Fit::letterbox) continue;
          const bool is_on = canvas.at(y, x)[0] >= 128;
          if (is_on == (*ids.at(y, x) == 1)) continue;
          ++differing;
          CHECK(is_edge(ids, y, x));
        }
      }
      CHECK(differing < 60);
    }
  }
}

TEST_CASE("no draw is the fitted picture, a flip is its mirror image", "[augment]") {
  const Image picture = jpeg::test_picture(31, 45), mask = jpeg::test_picture(31, 45, 1);
  const Placement p = place(31, 45, 64, 48, Fit::letterbox);
  CHECK(augment_picture(picture, p, {}, {64, 48}) == fit_picture(picture, p));
  CHECK(augment_mask(mask, p, {}, {64, 48}) == fit_mask(mask, p));
  AugmentDraw flip;
  flip.is_flipped = true;
  const Image flipped = augment_picture(picture, p, flip, {64, 48}), plain = fit_picture(picture, p);
  for (int x = 0; x < 64; ++x) CHECK(flipped.at(20, x)[1] == plain.at(20, 63 - x)[1]);
  CHECK(*augment_mask(mask, p, flip, {64, 48}).at(20, 30) == *fit_mask(mask, p).at(20, 33));
}

// Where a pixel of the plain canvas goes, by the definitions of ShiftScaleRotate and HorizontalFlip.
TEST_CASE("flip, shift, scale and rotation do what their names say", "[augment]") {
  const int w = 101, h = 81;  // centre (50, 40)
  const auto target_of = [&](const AugmentDraw& draw, double x, double y) {
    const Affine forward = augment_map(draw, w, h, {w, h}).inverse();
    return std::pair{forward.a * x + forward.b * y + forward.c, forward.d * x + forward.e * y + forward.f};
  };
  const auto check = [&](const AugmentDraw& draw, double x, double y, double expected_x, double expected_y) {
    const auto [to_x, to_y] = target_of(draw, x, y);
    CHECK(to_x == Approx(expected_x).margin(1e-9));
    CHECK(to_y == Approx(expected_y).margin(1e-9));
  };
  AugmentDraw draw;
  draw.is_warped = true;
  draw.shift_x = 0.05, draw.shift_y = -0.1;
  check(draw, 10, 20, 10 + 5.05, 20 - 8.1);
  draw = {};
  draw.scale = 1.1;
  check(draw, 50, 40, 50, 40);
  check(draw, 60, 40, 61, 40);
  draw = {};
  draw.angle = 90;  // anticlockwise: what was to the right goes up
  check(draw, 60, 40, 50, 30);
  check(draw, 50, 50, 60, 40);
  draw = {};
  draw.is_flipped = true;
  check(draw, 0, 7, 100, 7);
  draw.angle = 90;  // the flip comes first: (60, 40) -> (40, 40) -> (50, 50)
  check(draw, 60, 40, 50, 50);
}

TEST_CASE("a canvas larger than the sample is cut where the crop says, a smaller one is mirrored", "[augment]") {
  Image picture(64, 128, 3);
  for (int y = 0; y < 128; ++y) {
    for (int x = 0; x < 64; ++x) picture.at(y, x)[0] = static_cast<std::uint8_t>(y), picture.at(y, x)[1] = static_cast<std::uint8_t>(x);
  }
  const Placement p = place(64, 128, 64, 128, Fit::stretch);
  const SampleSize square{96, 96};
  AugmentDraw draw;
  draw.crop_y = 0;
  const Image top = augment_picture(picture, p, draw, square);
  CHECK(top.at(0, 50)[0] == 0);
  CHECK(top.at(95, 50)[0] == 95);
  CHECK(top.at(0, 16)[1] == 0);   // 96 - 64 columns are missing: 16 on either side
  CHECK(top.at(0, 10)[1] == 6);   // mirrored about the border pixel's centre
  draw.crop_y = 1;
  CHECK(augment_picture(picture, p, draw, square).at(95, 50)[0] == 127);
  draw.crop_y = 0.5;
  CHECK(augment_picture(picture, p, draw, square).at(0, 50)[0] == 16);
  draw.scale = 2;   // 192 wide now, 256 high: the crop works in both directions
  draw.is_warped = true;
  draw.crop_x = draw.crop_y = 0;
  const Image corner = augment_picture(picture, p, draw, {64, 128});
  CHECK(corner.at(63, 0)[0] == 31);  // (63 + 1/2) / 2 - 1/2 = 31.25
  CHECK(corner.at(0, 63)[1] == 31);
}

TEST_CASE("the aspect ratio is changed about the middle", "[augment]") {
  AugmentDraw draw;
  draw.aspect = 1.25;
  const Affine forward = augment_map(draw, 101, 81, {101, 81}).inverse();
  CHECK(forward.a * 60 + forward.b * 40 + forward.c == Approx(62.5));
  CHECK(forward.d * 50 + forward.e * 50 + forward.f == Approx(48));
}

TEST_CASE("tones are bent by one table", "[augment]") {
  AugmentDraw draw;
  CHECK(augment_tones(draw)[77] == 77);
  draw.brightness = 0.2;
  CHECK(augment_tones(draw)[100] == 151);
  CHECK(augment_tones(draw)[250] == 255);
  draw = {};
  draw.contrast = 1.2;
  CHECK(augment_tones(draw)[100] == 120);
  draw = {};
  draw.gamma = 0.8;
  CHECK(augment_tones(draw)[64] == std::lround(255 * std::pow(64.0 / 255, 0.8)));
  CHECK(augment_tones(draw)[255] == 255);

  draw = {};
  draw.brightness = -0.2;
  const Image picture(4, 4, 3, 100);
  CHECK(augment_picture(picture, place(4, 4, 4, 4, Fit::stretch), draw, {4, 4}) == Image(4, 4, 3, 49));
  const Image mask(4, 4, 1, 1);
  CHECK(augment_mask(mask, place(4, 4, 4, 4, Fit::stretch), draw, {4, 4}) == mask);
}
