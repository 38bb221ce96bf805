#include "data/jpeg_check.h"

#include "core/check.h"
#include "data/image_io.h"
#include "tests/catch.h"
#include "tests/data/jpeg_builder.h"
#include "tests/data/jpeg_samples.h"

using namespace weft;
using jpeg::File;

namespace {

constexpr int dht = 0xC4, sof0 = 0xC0, sos = 0xDA, dqt = 0xDB, eoi = 0xD9;

JpegInfo check(const File& file) { return check_jpeg(file, "p.jpg", default_max_pixels); }

template <class Array>
File file_of(const Array& bytes) {
  return {bytes.begin(), bytes.end()};
}

/// Every prefix is refused (nothing before the last byte is a whole picture), and never reaches a crash.
void check_all_truncations(const File& file) {
  for (std::size_t length = 0; length < file.size(); ++length) {
    CHECK_THROWS_AS(decode_image(Bytes(file).first(length), "p.jpg"), Error);
  }
}

/// Each byte in turn gets other values: a picture or an Error.
void check_all_corruptions(const File& file, std::size_t step) {
  for (std::size_t at = 0; at < file.size(); at += step) {
    for (const int change : {0x01, 0x80, 0xFF}) {
      try {
        const Image image = decode_image(jpeg::with_byte(file, at, file[at] ^ change), "p.jpg");
        CHECK(image.channels == 3);
      } catch (const Error& error) {
        CHECK_THAT(error.what(), Contains("p.jpg: "));
      }
    }
  }
}

}  // namespace

TEST_CASE("what encoders write is accepted", "[jpeg]") {
  for (const int quality : {1, 50, 90, 91, 100}) {
    const JpegInfo info = check(jpeg::make(37, 19, quality));
    CHECK(info.width == 37);
    CHECK(info.height == 19);
    CHECK(info.components == 3);
    CHECK(info.orientation == 1);
  }
  for (const File& file : {file_of(samples::progressive_jpeg), file_of(samples::restart_jpeg),
                           file_of(samples::progressive_restart_jpeg), file_of(samples::grey_progressive_jpeg)}) {
    CHECK(check(file).width == 37);
  }
  CHECK(check(file_of(samples::grey_progressive_jpeg)).components == 1);
}

TEST_CASE("bytes after the end of a JPEG do not matter", "[jpeg]") {
  File file = jpeg::make(16, 16);
  file.insert(file.end(), {0, 0xFF, 0xD8, 'x'});
  CHECK(check(file).width == 16);
}

TEST_CASE("a JPEG cut at any byte is refused", "[jpeg]") {
  check_all_truncations(jpeg::make(24, 16));
  check_all_truncations(file_of(samples::progressive_jpeg));
  check_all_truncations(file_of(samples::restart_jpeg));
  check_all_truncations(file_of(samples::progressive_restart_jpeg));
}

TEST_CASE("a JPEG cut in its data says how far it goes", "[jpeg]") {
  File file = jpeg::make(64, 104);
  const std::size_t data = jpeg::find(file, sos) + 14;
  file.resize(data + (file.size() - data) / 2);
  CHECK_THROWS_WITH(check(file),
                    Contains("p.jpg: truncated JPEG: the picture ends after ") && Contains(" of 104 rows"));

  // The same with an end-of-image marker behind it: a decoder that trusts it paints the rest grey.
  file.insert(file.end(), {0xFF, eoi});
  CHECK_THROWS_WITH(check(file), Contains("truncated JPEG: the picture ends after"));

  File no_end = jpeg::make(16, 16);
  no_end.resize(no_end.size() - 2);
  CHECK_THROWS_WITH(check(no_end), Contains("truncated JPEG: no end-of-image marker"));
}

TEST_CASE("any damaged byte of a JPEG gives a picture or an error", "[jpeg]") {
  check_all_corruptions(jpeg::make(24, 16), 1);
  check_all_corruptions(file_of(samples::progressive_jpeg), 1);
  check_all_corruptions(file_of(samples::progressive_restart_jpeg), 1);
}

// stb_image before 2.28 writes these counts over its tables (github.com/nothings/stb/issues/1289).
TEST_CASE("a Huffman table with 4080 codes is refused", "[jpeg]") {
  const File good = jpeg::make(16, 16);
  File content(1 + 16 + 4080);
  std::fill_n(content.begin() + 1, 16, std::uint8_t{255});
  CHECK_THROWS_WITH(check(jpeg::with_segment(good, jpeg::find(good, dht), dht, content)),
                    Contains("p.jpg: corrupt JPEG: Huffman table 0 has 4080 codes, at most 256 are possible"));
}

TEST_CASE("inconsistent tables are refused", "[jpeg]") {
  const File good = jpeg::make(16, 16);
  const auto with = [&](int marker, const File& content) {
    return jpeg::with_segment(good, jpeg::find(good, sof0), marker, content);
  };

  CHECK_THROWS_WITH(check(with(dht, {0x20})), Contains("Huffman table with header 0x20"));
  CHECK_THROWS_WITH(check(with(dht, {0x00, 1, 1})), Contains("Huffman table 0 is cut short"));
  CHECK_THROWS_WITH(check(with(dht, {0x00, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3})),
                    Contains("impossible code lengths"));
  CHECK_THROWS_WITH(check(with(dqt, {0x04})), Contains("quantisation table with header 0x04"));
  CHECK_THROWS_WITH(check(with(dqt, File(64, 0))), Contains("quantisation table 0 is cut short"));
  CHECK_THROWS_WITH(check(with(dqt, File(65, 0))), Contains("quantisation table 0 holds a zero"));
  CHECK_THROWS_WITH(check(with(0xDD, {1})), Contains("restart interval has 1 bytes"));
  CHECK_THROWS_WITH(check(with(0xF0, {})), Contains("unknown marker 0xf0"));
  CHECK(check(with(0xFE, {'h', 'i'})).width == 16);  // a comment
  CHECK(check(with(0xE2, {'I', 'C', 'C', '_', 'P', 'R', 'O', 'F', 'I', 'L', 'E', 0, 1, 1, 9, 9})).width == 16);
}

TEST_CASE("a frame that a decoder would misread is refused", "[jpeg]") {
  const File good = jpeg::make(16, 16);
  const std::size_t frame = jpeg::find(good, sof0) + 4;  // precision, height 2, width 2, count, (id, h v, table)...
  const auto with = [&](std::size_t at, int value) { return jpeg::with_byte(good, frame + at, value); };

  CHECK_THROWS_WITH(check(with(0, 12)), Contains("12-bit JPEG is not supported"));
  CHECK_THROWS_WITH(check(with(2, 0)), Contains("height comes after its data"));
  CHECK_THROWS_WITH(check(with(4, 0)), Contains("its width is 0"));
  CHECK_THROWS_WITH(check(with(5, 4)), Contains("CMYK JPEG (4 components) is not supported"));
  CHECK_THROWS_WITH(check(with(5, 2)), Contains("JPEG with 2 components is not supported"));
  CHECK_THROWS_WITH(check(with(5, 1)), Contains("the frame header has 15 bytes"));
  CHECK_THROWS_WITH(check(with(7, 0x01)), Contains("sampling factors 0 x 1"));
  CHECK_THROWS_WITH(check(with(7, 0x51)), Contains("sampling factors 5 x 1"));
  CHECK_THROWS_WITH(check(with(8, 4)), Contains("uses quantisation table 4"));
  CHECK_THROWS_WITH(check(with(8, 3)), Contains("quantisation table 3 is missing"));
  CHECK_THROWS_WITH(check(with(9, 1)), Contains("two components have the id 1"));

  for (const auto& [marker, kind] : std::vector<std::pair<int, std::string>>{{0xC3, "lossless"},
                                                                             {0xC5, "hierarchical"},
                                                                             {0xC9, "arithmetic-coded"},
                                                                             {0xCA, "arithmetic-coded"},
                                                                             {0xCC, "arithmetic-coded"}}) {
    CHECK_THROWS_WITH(check(jpeg::with_byte(good, frame - 3, marker)), Contains(kind + " JPEG is not supported"));
  }
}

TEST_CASE("a scan that leaves memory unwritten is refused", "[jpeg]") {
  const File good = jpeg::make(16, 16);
  const std::size_t scan = jpeg::find(good, sos) + 4;  // count, (id, tables)..., first, last, bits
  const auto with = [&](std::size_t at, int value) { return jpeg::with_byte(good, scan + at, value); };

  CHECK_THROWS_WITH(check(with(0, 0)), Contains("scan 1 has a bad header"));
  CHECK_THROWS_WITH(check(with(0, 2)), Contains("scan 1 has a bad header"));
  CHECK_THROWS_WITH(check(with(1, 9)), Contains("sends component 9, which the frame does not have"));
  CHECK_THROWS_WITH(check(with(3, 1)), Contains("components in the wrong order"));
  CHECK_THROWS_WITH(check(with(2, 0x30)), Contains("DC Huffman table 3, which is missing"));
  CHECK_THROWS_WITH(check(with(2, 0x05)), Contains("AC Huffman table 5, which is missing"));
  CHECK_THROWS_WITH(check(with(9, 0x10)), Contains("scan 1 is progressive, the frame is not"));

  File no_scan(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(scan - 4));
  no_scan.insert(no_scan.end(), {0xFF, eoi});
  CHECK_THROWS_WITH(check(no_scan), Contains("component 1 has no data"));
  CHECK_THROWS_WITH(check({0xFF, 0xD8, 0xFF, eoi}), Contains("it has no picture"));
}

TEST_CASE("progressive scans come in an order that decoders can follow", "[jpeg]") {
  const File good = file_of(samples::grey_progressive_jpeg);
  const std::size_t first = jpeg::find(good, sos) + 4;
  const auto with = [&](std::size_t at, int value) { return jpeg::with_byte(good, first + at, value); };
  CHECK_THROWS_WITH(check(with(3, 1)), Contains("sends the band 1..0"));
  CHECK_THROWS_WITH(check(with(4, 63)), Contains("sends the band 0..63"));
  CHECK_THROWS_WITH(check(with(5, 0x10)), Contains("out of order"));
  CHECK_THROWS_WITH(check(with(5, 0x31)), Contains("goes from bit 3 to bit 1"));
}

TEST_CASE("a header that promises 60000 x 60000 is refused before anything is allocated", "[jpeg]") {
  File file = jpeg::make(16, 16);
  const std::size_t frame = jpeg::find(file, sof0) + 4;
  for (const std::size_t at : {frame + 1, frame + 3}) file[at] = 60000 >> 8, file[at + 1] = 60000 & 255;
  CHECK_THROWS_WITH(check(file), Contains("60000 x 60000 are 3600000000 pixels, the limit is 100000000"));
  CHECK_THROWS_WITH(check_jpeg(file, "p.jpg", std::int64_t{1} << 40),
                    Contains("truncated JPEG: the picture ends after 0 of 60000 rows"));
}

TEST_CASE("EXIF orientation is found in a JPEG", "[jpeg]") {
  const File plain = jpeg::make(16, 8);
  CHECK(check(jpeg::with_segment(plain, 2, 0xE1, jpeg::exif_content(6))).orientation == 6);
  CHECK(check(jpeg::with_segment(plain, 2, 0xE1, {'h', 't', 't', 'p', ':', '/', '/'})).orientation == 1);
}
