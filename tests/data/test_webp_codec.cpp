#include "data/webp_codec.h"

#include <webp/encode.h>
#include <webp/mux.h>

#include <cstdlib>

#include "core/check.h"
#include "data/colour.h"
#include "data/exif.h"
#include "data/image_io.h"
#include "tests/catch.h"
#include "tests/data/jpeg_builder.h"

using namespace weft;

namespace {

Bytes bytes_of(const std::string& text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }
DecodedPicture decode(const std::string& file) {
  return decode_webp(bytes_of(file), "p.webp", {.max_pixels = 1'000'000});
}

/// An animation on a canvas of 20 x 10 whose first frame lies at (4, 2).
std::string animation(const Image& first) {
  WebPMux* mux = WebPMuxNew();
  const std::string frame = encode_webp(first, webp_lossless);
  WebPMux* single =
      WebPMuxCreate(reinterpret_cast<const WebPData*>(
                        std::array{WebPData{reinterpret_cast<const std::uint8_t*>(frame.data()), frame.size()}}.data()),
                    1);
  WebPMuxFrameInfo info = {};
  REQUIRE(WebPMuxGetFrame(single, 1, &info) == WEBP_MUX_OK);
  info.id = WEBP_CHUNK_ANMF;
  info.duration = 100;
  info.x_offset = 4;
  info.y_offset = 2;
  for (int i = 0; i < 2; ++i) REQUIRE(WebPMuxPushFrame(mux, &info, 1) == WEBP_MUX_OK);
  const WebPMuxAnimParams parameters{0xFFFFFFFF, 0};
  REQUIRE(WebPMuxSetAnimationParams(mux, &parameters) == WEBP_MUX_OK);
  REQUIRE(WebPMuxSetCanvasSize(mux, 20, 10) == WEBP_MUX_OK);
  WebPData whole;
  REQUIRE(WebPMuxAssemble(mux, &whole) == WEBP_MUX_OK);
  const std::string file(reinterpret_cast<const char*>(whole.bytes), whole.size);
  WebPDataClear(&whole);
  WebPDataClear(&info.bitstream);
  WebPMuxDelete(single);
  WebPMuxDelete(mux);
  return file;
}

}  // namespace

TEST_CASE("a WebP without loss is the same picture", "[webp]") {
  for (const int channels : {3, 4}) {
    const Image image = jpeg::test_picture(31, 17, channels);
    const DecodedPicture picture = decode(encode_webp(image, webp_lossless));
    CHECK(picture.samples == (channels == 3 ? Samples::rgb : Samples::rgba));
    for (std::size_t i = 0; channels == 3 && i < image.pixels.size(); ++i)
      REQUIRE(picture.image.pixels[i] == image.pixels[i]);
    for (std::size_t i = 3; channels == 4 && i < image.pixels.size(); i += 4)
      REQUIRE(picture.image.pixels[i] == image.pixels[i]);
  }
}

TEST_CASE("a lossy WebP is close, with its alpha", "[webp]") {
  Image image(48, 32, 4);
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 48; ++x) {
      const std::uint8_t pixel[] = {static_cast<std::uint8_t>(4 * x), static_cast<std::uint8_t>(6 * y), 90,
                                    static_cast<std::uint8_t>(x < 24 ? 255 : 128)};
      std::copy_n(pixel, 4, image.at(y, x));
    }
  }
  const DecodedPicture picture = decode(encode_webp(image, 90));
  CHECK(picture.samples == Samples::rgba);
  double sum = 0;
  for (std::size_t i = 0; i < image.pixels.size(); ++i) sum += std::abs(picture.image.pixels[i] - image.pixels[i]);
  CHECK(sum / static_cast<double>(image.pixels.size()) < 4);
}

TEST_CASE("a WebP tells its profile, resolution and program", "[webp]") {
  const std::string profile = rgb_profile(display_p3_primaries);
  const DecodedPicture picture = decode(encode_webp(jpeg::test_picture(9, 5), 80, {profile, {11811, 11811}}));
  CHECK(picture.profile == profile);
  CHECK(picture.density == Density{11811, 11811});
}

TEST_CASE("the first frame of an animation, on its canvas", "[webp]") {
  const Image first = jpeg::test_picture(8, 6);
  const DecodedPicture picture = decode(animation(first));
  REQUIRE(picture.image.width == 20);
  REQUIRE(picture.image.height == 10);
  REQUIRE(picture.image.channels == 4);
  for (int y = 0; y < 10; ++y) {
    for (int x = 0; x < 20; ++x) {
      const bool is_inside = x >= 4 && x < 12 && y >= 2 && y < 8;
      REQUIRE(picture.image.at(y, x)[3] == (is_inside ? 255 : 0));
      if (is_inside) REQUIRE(picture.image.at(y, x)[0] == first.at(y - 2, x - 4)[0]);
    }
  }
}

TEST_CASE("a WebP cut or damaged at any byte is an error or a picture", "[webp]") {
  for (const std::string& file :
       {encode_webp(jpeg::test_picture(24, 16), 60), encode_webp(jpeg::test_picture(24, 16, 4), webp_lossless),
        animation(jpeg::test_picture(8, 6))}) {
    for (std::size_t length = 0; length < file.size(); ++length) {
      try {
        decode_image(bytes_of(file.substr(0, length)), "p.webp");
      } catch (const Error& error) {
        CHECK(std::string(error.what()).starts_with("p.webp: "));
      }
      std::string damaged = file;
      damaged[length] = static_cast<char>(damaged[length] ^ 0x5A);
      try {
        decode_image(bytes_of(damaged), "p.webp", 1'000'000);
      } catch (const Error& error) {
        CHECK(std::string(error.what()).starts_with("p.webp: "));
      }
    }
  }
  const std::string file = encode_webp(jpeg::test_picture(64, 64), 90);
  CHECK_THROWS_WITH(decode_image(bytes_of(file.substr(0, file.size() / 2)), "p.webp"),
                    Contains("p.webp: truncated WebP"));
}

TEST_CASE("the WebP encoder refuses what it cannot write", "[webp]") {
  CHECK_THROWS_WITH(encode_webp(Image(16384, 1, 3), 90), Contains("1 to 16383 pixels a side, got 16384 x 1"));
  CHECK_THROWS_WITH(encode_webp(Image(2, 2, 2), 90), Contains("expected 1, 3 or 4 channels, got 2"));
}
