#include "data/jpeg_codec.h"

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

TEST_CASE("the encoder refuses what it cannot write", "[jpeg]") {
  CHECK_THROWS_WITH(encode_jpeg(Image(2, 2, 4), 80), Contains("expected 1 or 3 channels, got 4"));
  CHECK_THROWS_WITH(encode_jpeg(Image(2, 2, 3), 0), Contains("quality of 1 to 100, got 0"));
}
