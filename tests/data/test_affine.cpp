#include "data/affine.h"

#include <cmath>

#include "core/check.h"
#include "tests/catch.h"
#include "tests/data/jpeg_builder.h"

using namespace weft;

namespace {

Placement as_is(const Image& image) {
  return {image.width, image.height, image.width, image.height, 0, 0, image.width, image.height};
}

/// Of the canvas's size.
Image warp_picture(const Image& picture, const Placement& p, const Affine& map) {
  return weft::warp_picture(picture, p, map, p.canvas_width, p.canvas_height);
}

Image warp_mask(const Image& ids, const Placement& p, const Affine& map) {
  return weft::warp_mask(ids, p, map, p.canvas_width, p.canvas_height);
}

int largest_difference(const Image& a, const Image& b) {
  REQUIRE(a.pixels.size() == b.pixels.size());
  int largest = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  return largest;
}

}  // namespace

TEST_CASE("maps compose and invert", "[affine]") {
  const Affine shift{1, 0, 3, 0, 1, -2}, turn{0, -1, 0, 1, 0, 0};
  const Affine both = shift.after(turn);  // (1, 0) -> (0, 1) -> (3, -1)
  CHECK(both.a * 1 + both.c == 3);
  CHECK(both.d * 1 + both.f == -1);
  const Affine back = both.inverse().after(both);
  CHECK(back.a == Approx(1));
  CHECK(back.c == Approx(0).margin(1e-12));
  CHECK(back.f == Approx(0).margin(1e-12));
  CHECK_THROWS_WITH((Affine{1, 2, 0, 2, 4, 0}.inverse()), Contains("no inverse"));
}

TEST_CASE("the identity shows the fitted picture", "[affine]") {
  const Image picture = jpeg::test_picture(37, 23), mask = jpeg::test_picture(37, 23, 1);
  CHECK(warp_picture(picture, as_is(picture), {}) == picture);
  CHECK(warp_mask(mask, as_is(mask), {}) == mask);
  for (const Fit fit : {Fit::stretch, Fit::letterbox}) {
    for (const auto& [w, h] : {std::pair{64, 32}, {20, 20}, {37, 50}}) {
      const Placement p = place(37, 23, w, h, fit);
      CHECK(largest_difference(warp_picture(picture, p, {}), fit_picture(picture, p)) <= 1);
      CHECK(warp_mask(mask, p, {}) == fit_mask(mask, p));
    }
  }
}

TEST_CASE("a shift by whole pixels moves them and mirrors the edge at its centre", "[affine]") {
  Image mask(5, 1, 1);
  mask.pixels = {1, 2, 3, 4, 5};
  CHECK(warp_mask(mask, as_is(mask), {1, 0, 2, 0, 1, 0}).pixels == std::vector<std::uint8_t>{3, 4, 5, 4, 3});
  CHECK(warp_mask(mask, as_is(mask), {1, 0, -2, 0, 1, 0}).pixels == std::vector<std::uint8_t>{3, 2, 1, 2, 3});
  CHECK(warp_mask(mask, as_is(mask), {1, 0, 11, 0, 1, 0}).pixels == std::vector<std::uint8_t>{4, 5, 4, 3, 2});
  Image picture(3, 1, 3);
  picture.pixels = {10, 0, 0, 20, 0, 0, 50, 0, 0};
  const Image half = warp_picture(picture, as_is(picture), {1, 0, 0.5, 0, 1, 0});
  CHECK(half.pixels == std::vector<std::uint8_t>{15, 0, 0, 35, 0, 0, 35, 0, 0});
}

TEST_CASE("a quarter turn is exact", "[affine]") {
  const Image picture = jpeg::test_picture(16, 16);
  const Image turned = warp_picture(picture, as_is(picture), {0, -1, 15, 1, 0, 0});  // (x, y) shows (15 - y, x)
  for (int y = 0; y < 16; ++y) {
    for (int x = 0; x < 16; ++x) REQUIRE(turned.at(y, x)[1] == picture.at(x, 15 - y)[1]);
  }
}

TEST_CASE("what is sampled beyond a letterboxed picture is border", "[affine]") {
  const Placement p = place(10, 20, 32, 32, Fit::letterbox);
  const Image canvas = warp_picture(Image(10, 20, 3, 255), p, {1, 0, 8, 0, 1, 0}),
              mask = warp_mask(Image(10, 20, 1, 5), p, {1, 0, 8, 0, 1, 0});
  CHECK(*mask.at(3, 0) == 5);       // shows column 8, the picture's first
  CHECK(*mask.at(3, 15) == 5);
  CHECK(*mask.at(3, 16) == 0);
  CHECK(canvas.at(3, 16)[0] == border_colour[0]);
  CHECK(canvas.at(3, 15)[0] == 255);
}

TEST_CASE("pictures of one pixel and one row can be warped", "[affine]") {
  for (const auto& [w, h] : {std::pair{1, 1}, {7, 1}, {1, 7}}) {
    const Image out = warp_picture(Image(w, h, 3, 9), place(w, h, 8, 8, Fit::stretch), {0.9, 0.3, 100, -0.3, 0.9, -50});
    CHECK(out == Image(8, 8, 3, 9));
    CHECK(warp_mask(Image(w, h, 1, 9), place(w, h, 1, 1, Fit::stretch), {1, 0, 0.4, 0, 1, 5}) == Image(1, 1, 1, 9));
  }
}
