#include "data/jpeg_codec.h"

#include <algorithm>
#include <cstdlib>

#include "core/check.h"
#include "data/image_io.h"
#include "tests/catch.h"
#include "tests/data/jpeg_builder.h"
#include "tests/data/jpeg_samples.h"

using namespace weft;

namespace {
double mean_difference(const Image& a, const Image& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
  return sum / static_cast<double>(a.pixels.size());
}
}  // namespace

TEST_CASE("a JPEG comes back close to what was written", "[jpeg]") {
  const Image image = jpeg::test_picture(50, 33);
  const Image read = decode_image(jpeg::make(50, 33, 100), "p.jpg");
  REQUIRE(read.width == 50);
  REQUIRE(read.height == 33);
  CHECK(mean_difference(read, image) < 2);
  CHECK(mean_difference(decode_image(jpeg::make(50, 33, 20), "p.jpg"), image) > 2);
}

TEST_CASE("a grey JPEG has three equal channels", "[jpeg]") {
  const Image read = decode_image(samples::grey_progressive_jpeg, "p.jpg");
  CHECK(read.channels == 3);
  CHECK(read.at(9, 0)[0] < 20);
  CHECK(read.at(9, 36)[0] > 235);
  for (std::size_t i = 0; i < read.pixels.size(); i += 3) {
    REQUIRE(read.pixels[i] == read.pixels[i + 1]);
    REQUIRE(read.pixels[i] == read.pixels[i + 2]);
  }
}

TEST_CASE("restarts and progression change nothing in the picture", "[jpeg]") {
  const Image plain = decode_image(samples::restart_jpeg, "p.jpg");
  CHECK(decode_image(samples::progressive_jpeg, "p.jpg") == plain);
  CHECK(decode_image(samples::progressive_restart_jpeg, "p.jpg") == plain);
  CHECK(plain.at(18, 36)[0] > 150);  // red grows to the right, green downwards
  CHECK(plain.at(18, 36)[1] > 150);
  CHECK(plain.at(0, 0)[0] < 80);
}

// The decoder converts most of a row with vector instructions and the rest pixel by pixel: both must give the same
// bytes.
TEST_CASE("rows of one colour stay of one colour at every width", "[jpeg]") {
  for (const int width : {1, 7, 8, 9, 255, 256, 257, 300}) {
    Image image(width, 48, 3);
    for (int y = 0; y < image.height; ++y) {
      for (int x = 0; x < width; ++x) {
        for (int c = 0; c < 3; ++c) image.at(y, x)[c] = static_cast<std::uint8_t>((17 + 31 * c) * y);
      }
    }
    for (const int quality : {60, 95}) {  // colours at half the resolution, and at all of it
      const std::string file = encode_jpeg(image, quality);
      const Image read = decode_image({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()}, "p.jpg");
      REQUIRE(read.pixels.size() == image.pixels.size());
      for (int y = 0; y < read.height; ++y) {
        const auto row = read.pixels.begin() + std::ptrdiff_t{3} * width * y;
        REQUIRE(std::equal(row + 3, row + 3 * width, row));  // each pixel is the one before it
      }
    }
  }
}

TEST_CASE("the encoder refuses what it cannot write", "[jpeg]") {
  CHECK_THROWS_WITH(encode_jpeg(Image(2, 2, 4), 80), Contains("expected 1 or 3 channels, got 4"));
  CHECK_THROWS_WITH(encode_jpeg(Image(2, 2, 3), 0), Contains("quality of 1 to 100, got 0"));
}
