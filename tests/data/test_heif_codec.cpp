#include "data/heif_codec.h"

#include <cstdlib>

#include "core/check.h"
#include "data/colour.h"
#include "data/image_io.h"
#include "tests/catch.h"
#include "tests/data/heif_writer.h"

using namespace weft;

namespace {

Bytes bytes_of(const std::string& text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

Image smooth(int width, int height, int channels) {
  Image image(width, height, channels, 255);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.at(y, x)[0] = static_cast<std::uint8_t>(40 + 150 * x / width);
      image.at(y, x)[1] = static_cast<std::uint8_t>(60 + 120 * y / height);
      image.at(y, x)[2] = 90;
      if (channels == 4 && x < width / 2) image.at(y, x)[3] = 0;
    }
  }
  return image;
}

}  // namespace

TEST_CASE("HEIC and AVIF are read, with alpha, profile and numbered colours", "[heif]") {
  for (const auto format : {heif_compression_HEVC, heif_compression_AV1}) {
    const auto file = heif::write(smooth(64, 48, 3), {.format = format});
    if (!file) {
      WARN("this libheif has no encoder for format " << format << ": skipped");
      continue;
    }
    const Image image = decode_image(bytes_of(*file), "p.heic"), expected = smooth(64, 48, 3);
    REQUIRE(image.width == 64);
    REQUIRE(image.height == 48);
    double sum = 0;
    for (std::size_t i = 0; i < image.pixels.size(); ++i) sum += std::abs(image.pixels[i] - expected.pixels[i]);
    CHECK(sum / static_cast<double>(image.pixels.size()) < 4);

    const auto decode = [](const std::string& bytes) {
      return decode_heif(bytes_of(bytes), "p.heic", {.max_pixels = 10'000});
    };
    const DecodedPicture clear = decode(heif::write(smooth(64, 48, 4), {.format = format}).value());
    CHECK(clear.samples == Samples::rgba);
    CHECK(clear.image.at(20, 5)[3] < 20);
    CHECK(clear.image.at(20, 60)[3] > 235);
    const std::string p3 = rgb_profile(display_p3_primaries);
    CHECK(decode(heif::write(smooth(64, 48, 3), {.format = format, .profile = p3}).value()).profile == p3);
    CHECK(decode(heif::write(smooth(64, 48, 3), {.format = format, .primaries = heif_color_primaries_SMPTE_EG_432_1})
                     .value())
              .profile == p3);
    CHECK(decode(*file).profile.empty());
    CHECK_THROWS_WITH(decode_heif(bytes_of(*file), "p.heic", {.max_pixels = 3071}), Contains("p.heic: 64 x 48"));
  }
}

TEST_CASE("a HEIC cut or damaged is an error or a picture", "[heif]") {
  const auto file = heif::write(smooth(64, 48, 3));
  if (!file) {
    WARN("this libheif has no HEVC encoder: skipped");
    return;
  }
  for (std::size_t length = 12; length < file->size(); length += 1 + length / 40) {
    CHECK_THROWS_WITH(decode_image(bytes_of(file->substr(0, length)), "p.heic"), Contains("p.heic: "));
    std::string damaged = *file;
    damaged[length] = static_cast<char>(damaged[length] ^ 0x5A);
    try {
      decode_image(bytes_of(damaged), "p.heic", 1'000'000);
    } catch (const Error& error) {
      CHECK(std::string(error.what()).starts_with("p.heic: "));
    }
  }
}
