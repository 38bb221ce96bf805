#include "train/detail_metrics.h"

#include "data/ignored.h"
#include "tests/catch.h"

using namespace weft;

namespace {

Image rectangle(int width, int height, int left, int top, int right, int bottom) {
  Image mask(width, height, 1);
  for (int y = top; y < bottom; ++y) std::fill_n(mask.at(y, left), right - left, std::uint8_t{1});
  return mask;
}

std::int64_t area(const Image& mask) { return std::count(mask.pixels.begin(), mask.pixels.end(), 1); }

}  // namespace

TEST_CASE("a disc grows from a pixel, and is cut at the border", "[train]") {
  CHECK(area(dilated(rectangle(20, 20, 10, 10, 11, 11), 2)) == 13);
  CHECK(area(dilated(rectangle(20, 20, 0, 0, 1, 1), 2)) == 6);
  CHECK(dilated(rectangle(20, 20, 3, 4, 9, 8), 0) == rectangle(20, 20, 3, 4, 9, 8));
}

TEST_CASE("straps are thin, a coat is not", "[train]") {
  Image mask = rectangle(60, 60, 5, 5, 25, 55);  // 20 wide
  const std::int64_t coat_tips = area(thin_parts(mask, 3));
  CHECK(coat_tips == 20);                                                        // 3 + 1 + 1 pixels at each corner
  for (int y = 0; y < 60; ++y) std::fill_n(mask.at(y, 40), 4, std::uint8_t{1});  // 4 wide, through the whole picture
  CHECK(area(thin_parts(mask, 3)) == coat_tips + 240);
  CHECK(area(thin_parts(mask, 1)) < coat_tips + 1);
  CHECK(area(thin_parts(Image(30, 30, 1, 1), 5)) == 0);  // a mask that fills the picture has no edge
  CHECK(thin_radius(600, 800) == 5);
  CHECK(thin_radius(40, 40) == 1);
}

TEST_CASE("the boundary score forgives two pixels, not three", "[train]") {
  const Image truth = rectangle(100, 100, 20, 20, 60, 60);
  CHECK(boundary_f_score(truth, truth, 2) == 1);
  CHECK(boundary_f_score(rectangle(100, 100, 22, 20, 62, 60), truth, 2) == 1);
  CHECK(boundary_f_score(rectangle(100, 100, 24, 20, 64, 60), truth, 2) < 0.65);
  const Image none(100, 100, 1);
  CHECK(boundary_f_score(none, none, 2) == 1);
  CHECK(boundary_f_score(none, truth, 2) == 0);
  CHECK(boundary_f_score(truth, none, 2) == 0);
  CHECK(area(boundary(Image(10, 10, 1, 1))) == 0);
}

TEST_CASE("details of a set: sizes of the person, histogram, the worst", "[train]") {
  DetailMetrics details;
  const auto add = [&](const std::string& stem, int truth_width, int predicted_width) {
    Sample sample{Image(100, 100, 3), rectangle(100, 100, 0, 0, truth_width, 100), Image(100, 100, 1)};
    sample.ids = sample.clothing;
    const Image prediction = rectangle(100, 100, 0, 0, predicted_width, 100);
    const std::int64_t both = 100 * std::min(truth_width, predicted_width);
    details.add(stem, {0, sample, prediction, {both, 100 * predicted_width - both, 100 * truth_width - both, 0}, 0});
  };
  add("whole", 50, 50);
  add("half", 15, 30);
  add("third", 5, 15);
  CHECK(details.person_sizes()[0].pictures == 1);
  CHECK(details.person_sizes()[1].mean_iou() == Approx(0.5));
  CHECK(details.person_sizes()[3].mean_iou() == 1);
  CHECK(details.histogram()[19] == 1);
  CHECK(details.histogram()[10] == 1);
  CHECK(details.histogram()[6] == 1);
  REQUIRE(details.worst(2).size() == 2);
  CHECK(details.worst(2)[0].stem == "third");
  CHECK(details.worst().size() == 3);
  CHECK(details.boundary_f() == Approx(1.0 / 3));
}

TEST_CASE("details leave ignored pixels alone", "[train]") {
  const Image truth = rectangle(100, 100, 20, 20, 60, 60);
  // A void band around the object, where its outline would be, and a prediction that ends somewhere in it.
  Image banded = truth;
  for (int y = 15; y < 65; ++y) {
    for (int x = 15; x < 65; ++x) {
      if (x < 25 || x >= 55 || y < 25 || y >= 55) *banded.at(y, x) = ignored_pixel;
    }
  }
  CHECK(boundary_f_score(rectangle(100, 100, 17, 23, 63, 58), banded, 2) == 1);
  CHECK(boundary_f_score(rectangle(100, 100, 30, 30, 50, 50), banded, 2) == 0);  // its outline has no partner
  CHECK(area(thin_parts(banded, 3)) == 0);  // what is cut off by the band is not thin
  Image strap = rectangle(60, 60, 30, 0, 33, 60);
  for (int x = 0; x < 60; ++x) *strap.at(9, x) = ignored_pixel;
  CHECK(area(thin_parts(strap, 3)) > 120);
  CHECK(area(thin_parts(strap, 3)) < 180);

  DetailMetrics details;
  Sample sample{Image(10, 10, 3), rectangle(10, 10, 0, 0, 1, 10), Image(10, 10, 1, 255)};
  for (int y = 0; y < 10; ++y) {
    *sample.ids.at(y, 0) = 1;
    for (int x = 1; x < 6; ++x) *sample.ids.at(y, x) = 0;
    for (int x = 6; x < 10; ++x) *sample.clothing.at(y, x) = ignored_pixel;
  }
  details.add("a", {0, sample, Image(10, 10, 1), {0, 0, 10, 50}, 0});  // the person: 10 of 60 pixels
  CHECK(details.person_sizes()[1].pictures == 1);
}
