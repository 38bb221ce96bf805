#include "data/jpeg_codec.h"

#include <algorithm>
#include <cstdlib>

#include "core/check.h"
#include "data/colour.h"
#include "data/image_io.h"
#include "data/resize.h"
#include "tests/catch.h"
#include "tests/data/jpeg_builder.h"
#include "tests/data/jpeg_samples.h"
#include "tests/data/jpeg_writer.h"

using namespace weft;
using jpeg::File;

namespace {

constexpr int sof0 = 0xC0, sos = 0xDA, dht = 0xC4, dqt = 0xDB, end_of_image = 0xD9, restart = 0xD0;

double mean_difference(const Image& a, const Image& b) {
  REQUIRE(a.width == b.width);
  REQUIRE(a.height == b.height);
  REQUIRE(a.channels == b.channels);
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
  return sum / static_cast<double>(a.pixels.size());
}

template <class Array>
File file_of(const Array& bytes) {
  return {bytes.begin(), bytes.end()};
}

Image read(const File& file) { return decode_image(file, "p.jpg"); }

/// Smooth colours, so that half the chroma loses nothing.
Image smooth(int width, int height) {
  Image image(width, height, 3);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.at(y, x)[0] = static_cast<std::uint8_t>(40 + 150 * x / width);
      image.at(y, x)[1] = static_cast<std::uint8_t>(60 + 120 * y / height);
      image.at(y, x)[2] = static_cast<std::uint8_t>(90 + 60 * (x + y) / (width + height));
    }
  }
  return image;
}

}  // namespace

TEST_CASE("a JPEG comes back close to what was written", "[jpeg]") {
  const Image image = jpeg::test_picture(50, 33);
  CHECK(mean_difference(read(jpeg::make(50, 33, 100)), image) < 2);
  CHECK(mean_difference(read(jpeg::make(50, 33, 20)), image) > 2);
}

TEST_CASE("a grey JPEG has three equal channels", "[jpeg]") {
  const Image picture = decode_image(samples::grey_progressive_jpeg, "p.jpg");
  CHECK(picture.channels == 3);
  CHECK(picture.at(9, 0)[0] < 20);
  CHECK(picture.at(9, 36)[0] > 235);
  for (std::size_t i = 0; i < picture.pixels.size(); i += 3) {
    REQUIRE(picture.pixels[i] == picture.pixels[i + 1]);
    REQUIRE(picture.pixels[i] == picture.pixels[i + 2]);
  }
}

TEST_CASE("restarts, progression, scans and arithmetic coding change nothing in the picture", "[jpeg]") {
  const Image plain = decode_image(samples::restart_jpeg, "p.jpg");
  CHECK(decode_image(samples::progressive_jpeg, "p.jpg") == plain);
  CHECK(decode_image(samples::progressive_restart_jpeg, "p.jpg") == plain);
  CHECK(plain.at(18, 36)[0] > 150);  // red grows to the right, green downwards
  CHECK(plain.at(18, 36)[1] > 150);
  CHECK(plain.at(0, 0)[0] < 80);

  const Image image = smooth(61, 43);
  const Image expected = read(jpeg::write(image, {}));
  CHECK(mean_difference(expected, image) < 2);
  CHECK(read(jpeg::write(image, {.is_progressive = true})) == expected);
  CHECK(read(jpeg::write(image, {.is_arithmetic = true})) == expected);
  CHECK(read(jpeg::write(image, {.is_progressive = true, .is_arithmetic = true})) == expected);
  CHECK(read(jpeg::write(image, {.is_one_scan_each = true})) == expected);
  CHECK(read(jpeg::write(image, {.restart_rows = 1})) == expected);
  CHECK(read(jpeg::write(image, {.is_arithmetic = true, .restart_rows = 1})) == expected);
}

TEST_CASE("frames of MJPEG cameras have no Huffman tables: the standard ones are meant", "[jpeg]") {
  const Image image = smooth(61, 43);
  const File with = jpeg::write(image, {}), without = jpeg::write(image, {.has_tables = false});
  CHECK_THROWS(jpeg::find(without, dht));
  CHECK(without.size() + 400 < with.size());
  CHECK(read(without) == read(with));
}

TEST_CASE("CMYK and YCCK with Adobe's inversion, and CMYK without", "[jpeg]") {
  const Image image = smooth(61, 43);
  Image ink(image.width, image.height, 4);  // 255: none
  for (std::size_t i = 0; i < image.pixels.size() / 3; ++i) {
    std::copy_n(&image.pixels[3 * i], 3, &ink.pixels[4 * i]);
    ink.pixels[4 * i + 3] = 255;
  }
  const jpeg::Kind cmyk{
      .pixels = JCS_CMYK, .stored = JCS_CMYK, .has_adobe_note = true, .has_jfif_note = false, .quality = 97};
  jpeg::Kind ycck = cmyk, plain = cmyk;
  ycck.stored = JCS_YCCK;
  plain.has_adobe_note = false;
  CHECK(mean_difference(read(jpeg::write(ink, cmyk)), image) < 2);
  CHECK(mean_difference(read(jpeg::write(ink, ycck)), image) < 3);
  for (std::uint8_t& value : ink.pixels) value = static_cast<std::uint8_t>(255 - value);
  CHECK(mean_difference(read(jpeg::write(ink, plain)), image) < 2);
}

TEST_CASE("RGB is told by Adobe's note or by the components' names; with JFIF's note names say nothing", "[jpeg]") {
  const Image image = smooth(61, 43);
  const jpeg::Kind rgb{.stored = JCS_RGB, .has_adobe_note = true, .has_jfif_note = false};
  CHECK(mean_difference(read(jpeg::write(image, rgb)), image) < 2);
  jpeg::Kind named = rgb;
  named.has_adobe_note = false;
  CHECK(mean_difference(read(jpeg::write(image, named)), image) < 2);

  const File plain = jpeg::write(image, {});
  File renamed = plain;
  const std::size_t frame = jpeg::find(plain, sof0) + 10, scan = jpeg::find(plain, sos) + 5;
  for (std::size_t c = 0; c < 3; ++c)
    renamed[frame + 3 * c] = renamed[scan + 2 * c] = static_cast<std::uint8_t>("RGB"[c]);
  CHECK(read(renamed) == read(plain));
}

TEST_CASE("stray bytes and markers that everybody passes over", "[jpeg]") {
  const Image image = smooth(61, 43);
  const File plain = jpeg::write(image, {}), restarts = jpeg::write(image, {.restart_rows = 1});
  const Image expected = read(plain);
  const auto before_end = [](const File& file, const File& bytes) {
    return jpeg::with_bytes(file, file.size() - 2, bytes);
  };

  CHECK(read(before_end(plain, {0x12, 0xFF, 0x00, 0x34, 0x56})) == expected);
  CHECK(read(before_end(plain, {0xFF, 0xFF, 0xFF})) == expected);
  CHECK(read(before_end(plain, {0xFF, restart, 0xFF, restart + 1})) == expected);
  CHECK(read(before_end(restarts, {0xFF, restart + 5, 0xFF, restart + 6})) == expected);
  CHECK(read(jpeg::with_bytes(plain, jpeg::find(plain, dqt), File(7, 0))) == expected);
  CHECK(read(jpeg::with_bytes(plain, jpeg::find(plain, sof0), {1, 2, 3})) == expected);
  CHECK(read(jpeg::with_bytes(plain, plain.size(), {0, 0xFF, 0xD8, 'x'})) == expected);

  const std::array first_restart{std::uint8_t{0xFF}, std::uint8_t{restart}};
  const auto at = std::search(restarts.begin() + static_cast<std::ptrdiff_t>(jpeg::data_of(restarts)), restarts.end(),
                              first_restart.begin(), first_restart.end());
  REQUIRE(at != restarts.end());
  CHECK(read(jpeg::with_bytes(restarts, static_cast<std::size_t>(at - restarts.begin()), {0x55, 0xAA, 0x55})) ==
        expected);

  // A DNL segment after the scan that says the height once more.
  CHECK(read(before_end(plain, {0xFF, 0xDC, 0, 4, 0, 43})) == expected);
}

TEST_CASE("a missing end marker is no truncation; a missing block is", "[jpeg]") {
  const Image image = smooth(64, 104);
  for (const jpeg::Kind& kind : {jpeg::Kind{}, jpeg::Kind{.is_progressive = true}, jpeg::Kind{.is_one_scan_each = true},
                                 jpeg::Kind{.restart_rows = 1}}) {
    const File file = jpeg::write(image, kind);
    const Image expected = read(file);
    CHECK(read(File(file.begin(), file.end() - 2)) == expected);
    for (const std::size_t cut : {4, 10, 60, 300}) {
      File cut_file(file.begin(), file.end() - static_cast<std::ptrdiff_t>(cut));
      CHECK_THROWS_WITH(read(cut_file), Contains("p.jpg: truncated JPEG: "));
      // The same with an end marker behind it: a decoder that trusts it paints the rest grey.
      if (kind.is_progressive && cut < 10) continue;
      cut_file.insert(cut_file.end(), {0xFF, end_of_image});
      CHECK_THROWS_WITH(read(cut_file), Contains("p.jpg: truncated JPEG: "));
    }
  }
  // Arithmetic data say nothing of their own length.
  const File arithmetic = jpeg::write(image, {.is_arithmetic = true});
  CHECK_THROWS_WITH(read(File(arithmetic.begin(), arithmetic.end() - 40)),
                    Contains("truncated JPEG: its end is missing"));
}

TEST_CASE("a JPEG cut in its data says how far it goes", "[jpeg]") {
  const File file = jpeg::write(smooth(64, 104), {});
  const std::size_t data = jpeg::data_of(file);
  const File half(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(data + (file.size() - data) / 2));
  CHECK_THROWS_WITH(read(half), Contains("p.jpg: truncated JPEG: the picture ends after ") && Contains(" of 104 rows"));
  CHECK_THROWS_WITH(read({0xFF, 0xD8, 0xFF, end_of_image}), Contains("p.jpg: corrupt JPEG: "));
  CHECK_THROWS_WITH(read(File(file.begin(), file.begin() + 100)), Contains("p.jpg: "));
}

TEST_CASE("a JPEG cut at any byte before its last block is refused", "[jpeg]") {
  for (const File& file : {jpeg::make(24, 16), file_of(samples::progressive_jpeg), file_of(samples::restart_jpeg),
                           file_of(samples::progressive_restart_jpeg)}) {
    const Image whole = read(file);
    for (std::size_t length = 0; length < file.size(); ++length) {
      try {
        const Image picture = decode_image(Bytes(file).first(length), "p.jpg");
        CHECK(picture == whole);
        CHECK(length + 4 >= file.size());
      } catch (const Error& error) {
        CHECK(std::string(error.what()).starts_with("p.jpg: "));
      }
    }
  }
}

TEST_CASE("any damaged byte of a JPEG gives a picture or an error", "[jpeg]") {
  for (const File& file :
       {jpeg::make(24, 16), file_of(samples::progressive_jpeg), file_of(samples::progressive_restart_jpeg),
        jpeg::write(smooth(24, 16), {.is_arithmetic = true})}) {
    for (std::size_t at = 0; at < file.size(); ++at) {
      for (const int change : {0x01, 0x80, 0xFF}) {
        try {
          const Image image = decode_image(jpeg::with_byte(file, at, file[at] ^ change), "p.jpg", 1'000'000);
          CHECK(image.channels == 3);
        } catch (const Error& error) {
          CHECK(std::string(error.what()).starts_with("p.jpg: "));
        }
      }
    }
  }
}

TEST_CASE("JPEGs that no decoder here reads are refused by name", "[jpeg]") {
  const File good = jpeg::make(16, 16);
  const std::size_t frame = jpeg::find(good, sof0);
  CHECK_THROWS_WITH(read(jpeg::with_byte(good, frame + 4, 12)), Contains("p.jpg: corrupt JPEG: ") && Contains("12"));
  CHECK_THROWS_WITH(read(jpeg::with_byte(good, frame + 1, 0xC3)), Contains("p.jpg: corrupt JPEG: ") && Contains("SOF"));
}

TEST_CASE("a picture of scans without end is refused: each is a pass over all of it", "[jpeg]") {
  const File file = jpeg::write(smooth(24, 16), {.is_progressive = true});
  const auto first = file.begin() + static_cast<std::ptrdiff_t>(jpeg::find(file, sos));
  auto next = file.begin() + static_cast<std::ptrdiff_t>(jpeg::data_of(file));
  while (*next != 0xFF || next[1] == 0) ++next;
  File many(file.begin(), first);
  for (int i = 0; i < 600; ++i) many.insert(many.end(), first, next);
  many.insert(many.end(), next, file.end());
  CHECK_THROWS_WITH(read(many), Contains("p.jpg: corrupt JPEG: more than 500 scans"));
}

TEST_CASE("a JPEG is decoded at a half, a quarter and an eighth of its size", "[jpeg]") {
  const Image image = smooth(203, 77);
  const File file = jpeg::write(image, {.quality = 95});
  for (const int divisor : {2, 4, 8}) {
    const DecodedPicture picture =
        decode_jpeg(file, "p.jpg", {.max_pixels = 1 << 20, .reduction = [&](int width, int height) {
                                      CHECK(width == 203);
                                      CHECK(height == 77);
                                      return divisor;
                                    }});
    CHECK(picture.width == 203);
    CHECK(picture.height == 77);
    CHECK(mean_difference(picture.image, shrink(image, divisor)) < 2.5);
  }
  // A turned picture is asked about as people see it.
  const File turned = jpeg::with_segment(file, 2, 0xE1, jpeg::exif_content(6));
  decode_jpeg(turned, "p.jpg", {.max_pixels = 1 << 20, .reduction = [](int width, int height) {
                                  CHECK(width == 77);
                                  CHECK(height == 203);
                                  return 1;
                                }});
}

TEST_CASE("a JPEG tells its profile, resolution and orientation", "[jpeg]") {
  const std::string profile = rgb_profile(display_p3_primaries);
  const PictureExtras extras{profile, {11811, 11811}};  // 300 per inch
  const std::string text = encode_jpeg(smooth(20, 10), 90, extras);
  const DecodedPicture picture =
      decode_jpeg({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, "p.jpg", {.max_pixels = 1000});
  CHECK(picture.profile == profile);
  CHECK(picture.density == Density{11811, 11811});
  CHECK(picture.orientation == 1);
  const std::string metric = encode_jpeg(smooth(20, 10), 90, {"", {6000, 5000}});
  CHECK(
      decode_jpeg({reinterpret_cast<const std::uint8_t*>(metric.data()), metric.size()}, "p.jpg", {.max_pixels = 1000})
          .density == Density{6000, 5000});
  const File plain = jpeg::make(16, 8);
  const auto orientation = [](const File& file) {
    return decode_jpeg(file, "p.jpg", {.max_pixels = 1000}).orientation;
  };
  CHECK(orientation(jpeg::with_segment(plain, 2, 0xE1, jpeg::exif_content(6))) == 6);
  CHECK(orientation(jpeg::with_segment(plain, 2, 0xE1, {'h', 't', 't', 'p', ':', '/', '/'})) == 1);
}

TEST_CASE("the encoder refuses what it cannot write", "[jpeg]") {
  CHECK_THROWS_WITH(encode_jpeg(Image(2, 2, 4), 80), Contains("expected 1 or 3 channels, got 4"));
  CHECK_THROWS_WITH(encode_jpeg(Image(2, 2, 3), 0), Contains("quality of 1 to 100, got 0"));
  CHECK_THROWS_WITH(encode_jpeg(Image(70000, 1, 3), 80), Contains("cannot encode 70000 x 1"));
}
