#include "data/render.h"

#include "core/check.h"
#include "tests/catch.h"

using namespace weft;

namespace {
/// 4x2: clothing on the right half.
Image half_mask() {
  Image mask(4, 2, 1);
  for (int y = 0; y < 2; ++y) *mask.at(y, 2) = *mask.at(y, 3) = 1;
  return mask;
}
}  // namespace

TEST_CASE("a rendered mask is black and white", "[render]") {
  CHECK(render_mask(half_mask()).pixels == std::vector<std::uint8_t>{0, 0, 255, 255, 0, 0, 255, 255});
}

TEST_CASE("an overlay tints clothing, greys the rest and draws the border", "[render]") {
  const Image photograph(4, 2, 3, 100), overlay = render_overlay(photograph, half_mask());
  const std::uint8_t *outside = overlay.at(0, 0), *edge = overlay.at(0, 1), *inside = overlay.at(0, 3);
  CHECK(outside[0] == outside[1]);
  CHECK(outside[1] == outside[2]);
  CHECK(edge[0] > edge[1] + 100);
  CHECK(inside[1] > inside[0] + 30);
  CHECK_THROWS_WITH(render_overlay(photograph, Image(3, 2, 1)),
                    Contains("a mask of its size, got 4 x 2 x 3 and 3 x 2 x 1"));
}

TEST_CASE("a cut-out is opaque inside, transparent outside, and soft where the probability crosses the threshold",
          "[render]") {
  const Image photograph(5, 1, 3, 77);
  const std::vector<float> p = {0.0f, 0.31f, 0.5f, 0.69f, 1.0f};
  const Image cutout = render_cutout(photograph, render_alpha(p, 5, 1, 0.5));
  CHECK(cutout.at(0, 0)[3] == 0);
  CHECK(cutout.at(0, 0)[0] == 0);
  CHECK(cutout.at(0, 1)[3] > 0);
  CHECK(cutout.at(0, 1)[3] < 20);
  CHECK(cutout.at(0, 2)[3] == 128);
  CHECK(cutout.at(0, 2)[0] == 77);
  CHECK(cutout.at(0, 3)[3] > 235);
  CHECK(cutout.at(0, 4)[3] == 255);
  for (double threshold : {0.01, 0.1, 0.5, 0.95}) {
    const Image strict = render_cutout(photograph, render_alpha(p, 5, 1, threshold));
    CHECK(strict.at(0, 0)[3] == 0);
    CHECK(strict.at(0, 4)[3] == 255);
  }
  CHECK_THROWS_WITH(render_alpha(std::vector<float>(4), 5, 1, 0.5), Contains("a probability for each pixel"));
  CHECK_THROWS_WITH(render_cutout(photograph, Image(4, 1, 1)), Contains("an alpha of its size"));
}

TEST_CASE("a cut-out is transparent where its photograph is", "[render]") {
  Image photograph(3, 1, 4, 77);
  photograph.at(0, 0)[3] = 0;
  photograph.at(0, 1)[3] = 100;
  photograph.at(0, 2)[3] = 255;
  const Image cutout = render_cutout(photograph, render_alpha(std::vector<float>{1, 1, 1}, 3, 1, 0.5));
  CHECK(cutout.pixels == std::vector<std::uint8_t>{0, 0, 0, 0, 77, 77, 77, 100, 77, 77, 77, 255});
  const Image half = render_cutout(photograph, render_alpha(std::vector<float>{0.5f, 0.5f, 0.5f}, 3, 1, 0.5));
  CHECK(half.at(0, 1)[3] == 50);
}

TEST_CASE("probabilities become grey, pictures stand side by side", "[render]") {
  CHECK(render_probability(std::vector<float>{0, 0.5f, 1}, 3, 1).pixels == std::vector<std::uint8_t>{0, 128, 255});
  const Image parts[] = {Image(2, 3, 3, 10), Image(1, 3, 1, 20)};
  const Image panel = side_by_side(parts);
  CHECK(panel.width == 2 + 8 + 1);
  CHECK(panel.at(2, 1)[2] == 10);
  CHECK(panel.at(2, 5)[0] == 255);
  CHECK(panel.at(2, 10)[1] == 20);
  const Image uneven[] = {Image(2, 3, 3), Image(2, 4, 3)};
  CHECK_THROWS_WITH(side_by_side(uneven), Contains("of one height"));
}
