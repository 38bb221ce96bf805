#include "data/resize.h"

#include <cmath>

#include "core/check.h"
#include "core/random.h"
#include "tests/catch.h"
#include "tests/data/jpeg_builder.h"

using namespace weft;

namespace {

Image row(std::vector<std::uint8_t> values) {
  Image image(static_cast<int>(values.size()), 1, 1);
  image.pixels = std::move(values);
  return image;
}

/// The value at pixel (y, x) of the result, from the definition, in double.
double bilinear_at(const Image& image, int new_width, int new_height, int y, int x, int c) {
  const auto axis = [](int i, int old_size, int new_size) {
    const double s = std::clamp((i + 0.5) * old_size / new_size - 0.5, 0.0, old_size - 1.0);
    const int low = std::min(static_cast<int>(s), std::max(0, old_size - 2));
    return std::pair{low, s - low};
  };
  const auto [iy, fy] = axis(y, image.height, new_height);
  const auto [ix, fx] = axis(x, image.width, new_width);
  const int jy = std::min(iy + 1, image.height - 1), jx = std::min(ix + 1, image.width - 1);
  return (1 - fy) * ((1 - fx) * image.at(iy, ix)[c] + fx * image.at(iy, jx)[c]) +
         fy * ((1 - fx) * image.at(jy, ix)[c] + fx * image.at(jy, jx)[c]);
}

}  // namespace

TEST_CASE("bilinear resize puts pixel centres at halves", "[resize]") {
  CHECK(resize_bilinear(row({0, 100}), 4, 1).pixels == std::vector<std::uint8_t>{0, 25, 75, 100});
  CHECK(resize_bilinear(row({10, 20, 30, 40}), 2, 1).pixels == std::vector<std::uint8_t>{15, 35});
  CHECK(resize_bilinear(row({10, 20, 60}), 1, 1).pixels == std::vector<std::uint8_t>{20});
  CHECK(resize_bilinear(row({7}), 3, 2) == Image(3, 2, 1, 7));
}

TEST_CASE("bilinear resize follows its definition at any size", "[resize]") {
  for (const int channels : {1, 3, 4}) {
    const Image image = jpeg::test_picture(23, 17, channels);
    for (const auto& [width, height] : {std::pair{23, 40}, {11, 9}, {64, 64}, {1, 50}, {5, 1}}) {
      const Image out = resize_bilinear(image, width, height);
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          for (int c = 0; c < channels; ++c) {
            REQUIRE(std::abs(out.at(y, x)[c] - bilinear_at(image, width, height, y, x, c)) < 0.501);
          }
        }
      }
    }
  }
}

TEST_CASE("the same size is not resampled", "[resize]") {
  const Image image = jpeg::test_picture(9, 7);
  CHECK(resize_bilinear(image, 9, 7) == image);
  CHECK(resize_bilinear(image, 9, 7, Sampling::antialias) == image);
  const std::vector<float> plane{1, 2, 3, 4, 5, 6};
  CHECK(resize_plane(plane, 3, 2, 3, 2) == plane);
}

TEST_CASE("antialias sees every pixel, plain does not", "[resize]") {
  std::vector<std::uint8_t> stripes(80);
  for (std::size_t i = 0; i < stripes.size(); i += 8) stripes[i] = 240;  // mean 30
  const Image plain = resize_bilinear(row(stripes), 10, 1),
              smooth = resize_bilinear(row(stripes), 10, 1, Sampling::antialias);
  CHECK(plain.pixels == std::vector<std::uint8_t>(10, 0));
  for (const std::uint8_t value : smooth.pixels) CHECK(std::abs(value - 30) <= 12);
  CHECK(resize_bilinear(row({0, 100}), 4, 1, Sampling::antialias) == resize_bilinear(row({0, 100}), 4, 1));
}

TEST_CASE("nearest takes the pixel under the centre and invents no ids", "[resize]") {
  CHECK(resize_nearest(row({1, 2, 3, 4}), 2, 1).pixels == std::vector<std::uint8_t>{2, 4});
  CHECK(resize_nearest(row({1, 2, 3}), 2, 1).pixels == std::vector<std::uint8_t>{1, 3});
  CHECK(resize_nearest(row({1, 9}), 5, 1).pixels == std::vector<std::uint8_t>{1, 1, 9, 9, 9});
  Image mask(50, 40, 1);
  Random random(3);
  for (auto& id : mask.pixels) id = random.chance(0.5) ? 4 : 17;
  for (const std::uint8_t id : resize_nearest(mask, 33, 71).pixels) REQUIRE((id == 4 || id == 17));
}

// A plane of a linear function comes back linear, where no edge is near.
TEST_CASE("planes are resized in floats", "[resize]") {
  std::vector<float> plane(12 * 10);
  for (int y = 0; y < 10; ++y) {
    for (int x = 0; x < 12; ++x)
      plane[static_cast<std::size_t>(y * 12 + x)] = static_cast<float>(3 * (x + 0.5) / 12 - 2 * (y + 0.5) / 10);
  }
  const std::vector<float> out = resize_plane(plane, 12, 10, 31, 47);
  for (int y = 5; y < 42; ++y) {
    for (int x = 3; x < 28; ++x) {
      REQUIRE(out[static_cast<std::size_t>(y * 31 + x)] ==
              Approx(3 * (x + 0.5) / 31 - 2 * (y + 0.5) / 47).margin(1e-5));
    }
  }
}

TEST_CASE("resize refuses impossible sizes", "[resize]") {
  CHECK_THROWS_WITH(resize_bilinear(Image(2, 2, 3), 0, 4),
                    Contains("[resize_bilinear] expected sizes above 0, got 2 x 2 to 0 x 4"));
  CHECK_THROWS_WITH(resize_bilinear(Image(2, 2, 2), 4, 4), Contains("expected 1, 3 or 4 channels, got 2"));
  CHECK_THROWS_WITH(resize_nearest(Image(2, 2, 3), 4, 4), Contains("expected 1 channel, got 3"));
  CHECK_THROWS_WITH(resize_plane(std::vector<float>(5), 2, 3, 4, 4), Contains("expected 2 x 3 values, got 5"));
}

TEST_CASE("shrink takes the mean of whole blocks, of what there is of them at the edges", "[resize]") {
  Image image(5, 3, 1);
  image.pixels = {0, 4, 10, 20, 7,  //
                  8, 0, 30, 41, 9,  //
                  1, 2, 3,  4,  255};
  const Image half = shrink(image, 2);
  CHECK(half.width == 3);
  CHECK(half.height == 2);
  CHECK(half.pixels == std::vector<std::uint8_t>{3, 25, 8, 2, 4, 255});
  CHECK(shrink(image, 1) == image);
  CHECK(shrink(image, 8).pixels.size() == 1);
  const Image colour = shrink(jpeg::test_picture(16, 8), 4);
  CHECK(colour.channels == 3);
  CHECK(colour.width == 4);
  // By two it is what plain sampling at half the size gives.
  CHECK(shrink(jpeg::test_picture(64, 48), 2) == resize_bilinear(jpeg::test_picture(64, 48), 32, 24));
  CHECK_THROWS_WITH(shrink(image, 0), Contains("expected a divisor of at least 1"));
}

TEST_CASE("a shrunk picture with a part of a pixel at its edge does not move", "[resize]") {
  // A ramp of 2 a pixel, 97 wide: shrunk by 4 the last column stands for one pixel only.
  Image ramp(97, 1, 1);
  for (int x = 0; x < 97; ++x) ramp.pixels[static_cast<std::size_t>(x)] = static_cast<std::uint8_t>(2 * x);
  const Image small = resize_shrunk(shrink(ramp, 4), 97, 1, 4, 20, 1);
  const Image plain = resize_bilinear(ramp, 20, 1, Sampling::antialias);
  for (std::size_t i = 1; i + 2 < small.pixels.size(); ++i) CHECK(std::abs(small.pixels[i] - plain.pixels[i]) <= 1);
  CHECK_THROWS_WITH(resize_shrunk(ramp, 97, 1, 4, 20, 1), Contains("is not 97 x 1 shrunk by 4"));
}

TEST_CASE("rows of a plane are those of the whole", "[resize]") {
  std::vector<float> plane(7 * 5);
  for (std::size_t i = 0; i < plane.size(); ++i) plane[i] = static_cast<float>(i * i % 13);
  for (const auto& [width, height] : {std::pair{17, 23}, {7, 5}}) {
    const std::vector<float> whole = resize_plane(plane, 7, 5, width, height);
    std::vector<float> parts;
    for (int row = 0; row < height; row += 4) {
      const auto rows = resize_plane_rows(plane, 7, 5, width, height, row, std::min(4, height - row));
      parts.insert(parts.end(), rows.begin(), rows.end());
    }
    CHECK(parts == whole);
  }
  CHECK_THROWS_WITH(resize_plane_rows(plane, 7, 5, 17, 23, 20, 4), Contains("rows 20 to 24 of 23"));
}
