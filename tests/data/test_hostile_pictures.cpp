// Files that were made to do harm: one for each advisory against the packaged stb_image (2.27 of September 2022) that
// weft's build of it could reach, the formats that it can't reach, and decompression bombs. docs/reliability.md lists
// the advisories. What is tested is that check_jpeg refuses the file, for stb_image never sees what that refuses.

#include <atomic>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <new>

#include "core/check.h"
#include "data/image_io.h"
#include "data/jpeg_check.h"
#include "data/jpeg_codec.h"
#include "data/png_check.h"
#include "data/read_file.h"
#include "tests/catch.h"
#include "tests/data/jpeg_builder.h"
#include "tests/data/png_builder.h"

namespace {
std::atomic<std::size_t> largest_request = 0;
}

// All of this program's new comes here, so that a test can see the largest block that was asked for.
void* operator new(std::size_t bytes) {
  if (bytes > largest_request) largest_request = bytes;
  if (void* block = std::malloc(bytes)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }

using namespace weft;
using jpeg::File;

namespace {

constexpr int sof0 = 0xC0, sof2 = 0xC2, dht = 0xC4, sos = 0xDA, dqt = 0xDB;

File operator+(File a, const File& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

File segment(int marker, const File& content) {
  return jpeg::with_segment({}, 0, marker, content);
}

/// A Huffman table whose codes of one bit and more stand for these symbols: 0, 10, 110, ...
File huffman(int header, const File& symbols) {
  File content{static_cast<std::uint8_t>(header)};
  for (std::size_t bits = 1; bits <= 16; ++bits) content.push_back(bits <= symbols.size() ? 1 : 0);
  return segment(dht, content + symbols);
}

/// A grey picture of one row of blocks: tables, the frame, and whatever follows.
File grey(int frame, int width, const File& rest) {
  return File{0xFF, 0xD8} + segment(dqt, File{0} + File(64, 1)) +
         segment(frame, {8, 0, 8, 0, static_cast<std::uint8_t>(width), 1, 1, 0x11, 0}) + rest + File{0xFF, 0xD9};
}

/// A scan of that picture with the coefficients `first` to `last`.
File scan(int first, int last, int low, const File& data) {
  const auto byte = [](int value) { return static_cast<std::uint8_t>(value); };
  return segment(sos, {1, 1, 0, byte(first), byte(last), byte(low)}) + data;
}

void check_refused(const File& file, const std::string& why) {
  CHECK_THROWS_WITH(check_jpeg(file, "p.jpg", default_max_pixels), Contains(why));
  CHECK_THROWS_WITH(decode_image(file, "p.jpg"), Contains(why));
}

}  // namespace

TEST_CASE("CVE-2021-28021: a difference of more bits than the decoder's tables have", "[advisory]") {
  check_refused(grey(sof0, 8, huffman(0x00, {17}) + huffman(0x10, {0}) + scan(0, 63, 0, {0, 0, 0, 0})),
                "a DC difference of 17 bits");
}

TEST_CASE("CVE-2021-37789: a component that does not divide the others", "[advisory]") {
  File file = jpeg::make(24, 24);
  const std::size_t frame = jpeg::find(file, sof0) + 4;
  file[frame + 7] = 0x31;
  file[frame + 10] = 0x21;
  check_refused(file, "sampling factors 2/3 x 1/1 is not supported");
}

// A table of one symbol: differences of 15 bits. Each block adds 32767 to the predictor, and the scan says that it sends
// multiples of 2^13: after nine blocks their product leaves an int.
TEST_CASE("CVE-2022-28041: DC differences that add up to an overflow", "[advisory]") {
  File data;
  for (int block = 0; block < 10; ++block) data = data + File{0x7F, 0xFF, 0x00};
  check_refused(grey(sof2, 80, huffman(0x00, {15}) + scan(0, 0, 13, data)), "a DC value leaves its range");
  check_refused(grey(sof2, 80, huffman(0x00, {15}) + scan(0, 0, 0, data)), "a DC value leaves its range");
}

// nothings/stb issue 1533, without a number: the same in a baseline JPEG, times a quantisation of 65535.
const File widest_tables = segment(dqt, File{0x10} + File(128, 0xFF)) + huffman(0x00, {15}) + huffman(0x10, {0});

TEST_CASE("a DC value times its quantisation does not leave an int", "[advisory]") {
  check_refused(grey(sof0, 16, widest_tables + scan(0, 63, 0, {0x7F, 0xFF, 0x00, 0x3F, 0xFF, 0x00, 0x80})),
                "a DC value leaves its range");
  const File largest = grey(sof0, 8, widest_tables + scan(0, 63, 0, {0x7F, 0xFF, 0x00, 0x7F}));
  CHECK(decode_image(largest, "p.jpg").width == 8);  // 32767 * 65535 < 2^31
}

TEST_CASE("CVE-2022-28042: more Huffman codes than the decoder's table has room for", "[advisory]") {
  File content(1 + 16 + 4080);
  std::fill_n(content.begin() + 1, 16, std::uint8_t{255});
  check_refused(grey(sof0, 8, segment(dht, content)), "Huffman table 0 has 4080 codes, at most 256 are possible");
}

// Codes of 1 and 9 bits, both for a coefficient of 15 bits. The data end inside the second coefficient, which leaves the
// decoder with -8 bits in its buffer; it fills up by shifting a byte by 24 + 8.
TEST_CASE("CVE-2022-28048: AC data that end inside a coefficient, and shifts beyond one", "[advisory]") {
  const File dc = huffman(0x00, {0}) + scan(0, 0, 0, {0});
  const File two_codes = segment(dht, {0x10, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x0F, 0x0F});
  check_refused(grey(sof2, 8, dc + two_codes + scan(1, 63, 0, {0x2A, 0xAA, 0x80, 0x00})), "truncated JPEG");
  check_refused(grey(sof2, 8, dc + huffman(0x10, {0x0F}) + scan(1, 63, 13, File(64, 0x20))),
                "an AC value leaves its range");
  check_refused(grey(sof2, 8, dc + huffman(0x10, {0x00}) + scan(1, 63, 14, File(64, 0x20))), "goes from bit 0 to bit 14");
}

TEST_CASE("CVE-2022-29977: code lengths that no code can have", "[advisory]") {
  const File three_of_one_bit{0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3};
  check_refused(grey(sof0, 8, segment(dht, three_of_one_bit)), "impossible code lengths");
  check_refused(grey(sof0, 8, huffman(0x00, {0}) + scan(0, 63, 0, {0})), "AC Huffman table 0, which is missing");
}

TEST_CASE("formats with advisories of their own reach no decoder", "[advisory]") {
  const std::vector<std::pair<const char*, File>> files{
      {"GIF", {'G', 'I', 'F', '8', '9', 'a', 1, 0, 1, 0, 0x80, 0, 0}},
      {"BMP", {'B', 'M', 70, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0}},
      {"PSD", {'8', 'B', 'P', 'S', 0, 1, 0, 0, 0, 0, 0, 0, 0, 3}},
      {"HDR", {'#', '?', 'R', 'A', 'D', 'I', 'A', 'N', 'C', 'E', '\n', '\n'}},
      {"PNM", {'P', '6', ' ', '1', ' ', '1', ' ', '6', '5', '5', '3', '5', ' '}},
      {"PIC", {0x53, 0x80, 0xF6, 0x34, 0, 0, 0, 0}},
      {"TGA", {0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 24, 0, 1, 2, 3}}};
  for (const auto& [format, file] : files) {
    INFO(format);
    CHECK_THROWS_WITH(decode_image(file, "p.jpg"), Contains("p.jpg: unsupported format"));
    // Even past weft's own check there is no decoder for it in the program.
    CHECK_THROWS_WITH(decode_jpeg(file, "p.jpg"), Contains("unknown image type"));
  }
}

TEST_CASE("a picture cut at any byte is an error or a picture", "[advisory]") {
  int files = 0, prefixes = 0, pictures = 0;
  for (const char* folder : {"jpeg", "png"}) {
    for (const auto& entry : std::filesystem::directory_iterator(
             std::filesystem::path(WEFT_SOURCE_DIR) / "tests/fuzz/corpus" / folder)) {
      const auto file = read_file(entry.path());
      ++files;
      for (std::size_t length = 0; length < file.size(); ++length, ++prefixes) {
        try {
          decode_image(Bytes(file).first(length), "p");
          ++pictures;
        } catch (const Error& error) {
          CHECK(std::string(error.what()).starts_with("p: "));
        }
      }
    }
  }
  CHECK(files >= 16);
  CHECK(prefixes > 5000);
  CHECK(pictures < files);  // only a file with something after its end can be cut and stay whole
}

TEST_CASE("a decompression bomb is refused from its header, at once and in little memory", "[advisory]") {
  File jpeg_bomb = jpeg::make(16, 16);
  const std::size_t frame = jpeg::find(jpeg_bomb, sof0) + 4;
  for (const std::size_t at : {frame + 1, frame + 3}) jpeg_bomb[at] = jpeg_bomb[at + 1] = 0xFF;
  File below_limit = jpeg::make(16, 16);  // 10000 x 10000: as many pixels as are allowed, and no data for them
  for (const std::size_t at : {frame + 1, frame + 3}) below_limit[at] = 10000 >> 8, below_limit[at + 1] = 10000 & 255;

  const File zeros = png::data(File(1 << 20));
  const File png_bomb = png::file({png::header(65535, 65535, 8, 6), zeros, png::end()});
  const File png_lie = png::file({png::header(10000, 10000, 8, 2), zeros, png::end()});

  for (const File& file : std::vector<File>{jpeg_bomb, below_limit, png_bomb, png_lie}) {
    largest_request = 0;
    std::clock_t least = CLOCKS_PER_SEC;
    for (int run = 0; run < 3; ++run) {
      const std::clock_t start = std::clock();
      CHECK_THROWS_AS(decode_image(file, "bomb"), Error);
      least = std::min(least, std::clock() - start);
    }
    CHECK(largest_request < 1 << 20);     // 16 MB is the promise
    CHECK(least < CLOCKS_PER_SEC / 100);  // 10 ms
  }
}
