#include "data/fit.h"

#include "core/check.h"
#include "data/resize.h"
#include "tests/catch.h"
#include "tests/data/jpeg_builder.h"

using namespace weft;

TEST_CASE("stretch fills the canvas", "[fit]") {
  const Image picture = jpeg::test_picture(30, 50);
  const Placement p = place(30, 50, 64, 64, Fit::stretch);
  CHECK(p.fills_canvas());
  CHECK(fit_picture(picture, p) == resize_bilinear(picture, 64, 64));
}

TEST_CASE("area keeps the aspect ratio and the canvas's area, in sides that the network takes", "[fit]") {
  const auto canvas = [](int width, int height, int side) {
    const Placement p = place(width, height, side, side, Fit::area);
    CHECK(p.fills_canvas());
    return std::array{p.canvas_width, p.canvas_height};
  };
  CHECK(canvas(512, 512, 512) == std::array{512, 512});
  CHECK(canvas(400, 600, 512) == std::array{416, 640});
  CHECK(canvas(6000, 4000, 512) == std::array{640, 416});
  CHECK(canvas(1, 1, 512) == std::array{512, 512});
  CHECK(canvas(1, 100000, 512) == std::array{32, 8192});  // no side is below 32, no area above the one asked for
  CHECK(canvas(33, 4097, 64) == std::array{32, 128});
  CHECK(canvas(640, 480, 32) == std::array{32, 32});
}

TEST_CASE("letterbox keeps the aspect ratio and centres the picture", "[fit]") {
  const Placement p = place(300, 600, 64, 64, Fit::letterbox);
  CHECK(p.width == 32);
  CHECK(p.height == 64);
  CHECK(p.x == 16);
  CHECK(p.y == 0);
  const Placement flat = place(600, 300, 64, 65, Fit::letterbox);
  CHECK(flat.width == 64);
  CHECK(flat.height == 32);
  CHECK(flat.y == 16);
  CHECK(place(10000, 1, 64, 64, Fit::letterbox).height == 1);
  CHECK(place(64, 64, 64, 64, Fit::letterbox).fills_canvas());
}

TEST_CASE("the border has its own colour and id 0", "[fit]") {
  const Placement p = place(10, 20, 32, 32, Fit::letterbox);
  const Image canvas = fit_picture(Image(10, 20, 3, 255), p), mask = fit_mask(Image(10, 20, 1, 5), p);
  for (int x = 0; x < 32; ++x) {
    const bool is_inside = x >= p.x && x < p.x + p.width;
    CHECK(canvas.at(7, x)[0] == (is_inside ? 255 : border_colour[0]));
    CHECK(canvas.at(7, x)[2] == (is_inside ? 255 : border_colour[2]));
    CHECK(*mask.at(7, x) == (is_inside ? 5 : 0));
  }
}

TEST_CASE("a native canvas shows the picture unchanged", "[fit]") {
  const Image picture = jpeg::test_picture(33, 64);
  const Placement p = place_native(33, 64);
  CHECK(p.canvas_width == 64);
  CHECK(p.canvas_height == 64);
  const Image canvas = fit_picture(picture, p);
  for (int y = 0; y < 64; ++y) CHECK(std::equal(picture.at(y, 0), picture.at(y, 0) + 99, canvas.at(y, 0)));

  std::vector<float> plane(64 * 64);
  for (std::size_t i = 0; i < plane.size(); ++i) plane[i] = static_cast<float>(i);
  const std::vector<float> back = unfit_plane(plane, p);
  REQUIRE(back.size() == 33 * 64);
  CHECK(back[33 * 5 + 7] == 64 * 5 + 7);
}

// A smooth plane put on the canvas and taken back is the plane, whatever the fit; a shift of half a pixel in
// either direction would show.
TEST_CASE("the way back is the inverse of the way there", "[fit]") {
  const int width = 120, height = 90;
  Image picture(width, height, 3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x)
      picture.at(y, x)[0] = static_cast<std::uint8_t>(2 * x), picture.at(y, x)[1] = static_cast<std::uint8_t>(2 * y);
  }
  for (const Fit fit : {Fit::stretch, Fit::letterbox, Fit::area}) {
    for (const auto& [w, h] : {std::pair{64, 64}, {96, 160}, {256, 128}}) {
      const Placement p = place(width, height, w, h, fit);
      const Image canvas = fit_picture(picture, p);
      for (std::size_t c = 0; c < 2; ++c) {
        std::vector<float> plane(canvas.pixels.size() / 3);
        for (std::size_t i = 0; i < plane.size(); ++i) plane[i] = canvas.pixels[3 * i + c];
        const std::vector<float> back = unfit_plane(plane, p);
        for (int y = 6; y < height - 6; ++y) {
          for (int x = 6; x < width - 6; ++x) {
            REQUIRE(back[static_cast<std::size_t>(y * width + x)] == Approx(c == 0 ? 2 * x : 2 * y).margin(0.76));
          }
        }
      }
    }
  }
}

TEST_CASE("fits are named", "[fit]") {
  CHECK(fit_from("stretch") == Fit::stretch);
  CHECK(fit_from("letterbox") == Fit::letterbox);
  CHECK(fit_from("area") == Fit::area);
  CHECK_THROWS_WITH(fit_from("crop"), Contains("unknown fit 'crop'; expected stretch, letterbox or area"));
  CHECK_THROWS_WITH(fit_picture(Image(4, 4, 3), place(5, 4, 8, 8, Fit::stretch)),
                    Contains("expected a picture of 5 x 4, got 4 x 4"));
  CHECK_THROWS_WITH(unfit_plane(std::vector<float>(3), place(5, 4, 8, 8, Fit::stretch)),
                    Contains("expected 8 x 8 values, got 3"));
}

TEST_CASE("a large picture is shrunk by a power of two before it is sampled, by whoever reads it", "[fit]") {
  const auto divisor = [](int width, int height, int canvas) {
    return divisor_for(place(width, height, canvas, canvas, Fit::letterbox));
  };
  CHECK(divisor(512, 512, 512) == 1);
  CHECK(divisor(1022, 1022, 512) == 1);
  CHECK(divisor(1023, 1023, 512) == 2);  // rounded up, its half has the 512 pixels
  CHECK(divisor(4000, 3000, 512) == 4);
  CHECK(divisor(16320, 12240, 512) == 16);
  CHECK(divisor(1, 1, 512) == 1);
  CHECK(divisor_for(place(4000, 40, 64, 64, Fit::stretch)) == 1);  // one side needs all its pixels
  CHECK(divisor_for(place_native(4000, 3000)) == 1);

  const Image picture = jpeg::test_picture(501, 333);
  for (const Fit fit : {Fit::stretch, Fit::letterbox, Fit::area}) {
    const Placement p = place(501, 333, 64, 64, fit);
    const Image whole = fit_picture(picture, p);
    REQUIRE(divisor_for(p) == 4);
    CHECK(fit_picture(shrink(picture, 4), p) == whole);
    CHECK_THROWS_WITH(fit_picture(shrink(picture, 8), p), Contains("expected a picture of 501 x 333, got 63 x 42"));
  }
}

TEST_CASE("rows of the way back are those of the whole", "[fit]") {
  for (const Fit fit : {Fit::stretch, Fit::letterbox}) {
    const Placement p = place(50, 33, 32, 32, fit);
    std::vector<float> canvas(32 * 32);
    for (std::size_t i = 0; i < canvas.size(); ++i) canvas[i] = static_cast<float>(i % 17);
    const std::vector<float> whole = unfit_plane(canvas, p);
    const std::vector<float> part = unfit_rows(canvas, p, 10, 7);
    CHECK(std::equal(part.begin(), part.end(), whole.begin() + 10 * 50));
    CHECK(part.size() == 7 * 50);
  }
}
