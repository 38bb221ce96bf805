// Files that were made to do harm: pictures cut anywhere, and decompression bombs of every format. docs/reliability.md
// lists the advisories against the decoders.

#include <atomic>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <new>

#include "core/check.h"
#include "data/image_io.h"
#include "data/read_file.h"
#include "tests/catch.h"
#include "tests/data/heif_writer.h"
#include "tests/data/jpeg_builder.h"
#include "tests/data/jpeg_writer.h"
#include "tests/data/png_builder.h"

namespace {
std::atomic<std::size_t> largest_request = 0;
}

// All of this program's new comes here, so that a test can see the largest block that was asked for. Not inlined: gcc
// would see free() on one side only and warn.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  if (bytes > largest_request) largest_request = bytes;
  if (void* block = std::malloc(bytes)) return block;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept { std::free(block); }

using namespace weft;
using jpeg::File;

namespace {

using png::append;

template <class Text>
File file_of(const Text& text) {
  return {text.begin(), text.end()};
}

File operator+(File a, const File& b) {
  append(a, b);
  return a;
}

}  // namespace

TEST_CASE("a picture cut at any byte is an error or a picture", "[advisory]") {
  int files = 0, prefixes = 0, pictures = 0;
  for (const char* folder : {"jpeg", "png", "webp", "heif", "stb"}) {
    for (const auto& entry :
         std::filesystem::directory_iterator(std::filesystem::path(WEFT_SOURCE_DIR) / "tests/fuzz/corpus" / folder)) {
      const auto file = read_file(entry.path());
      ++files;
      for (std::size_t length = 0; length < file.size(); length += 1 + length / 500, ++prefixes) {
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
  CHECK(pictures < 40 * files);  // a cut in what follows the last pixel takes nothing away
}

TEST_CASE("a decompression bomb is refused from its header, at once and in little memory", "[advisory]") {
  constexpr int sof0 = 0xC0;
  const auto jpeg_of_size = [](File file, int marker, int side) {
    const std::size_t frame = jpeg::find(file, marker) + 4;
    for (const std::size_t at : {frame + 1, frame + 3})
      file[at] = static_cast<std::uint8_t>(side >> 8), file[at + 1] = static_cast<std::uint8_t>(side & 255);
    return file;
  };
  const Image small(16, 16, 3);
  const File zeros = png::data(File(1 << 20));
  std::vector<std::pair<const char*, File>> bombs{
      {"JPEG", jpeg_of_size(jpeg::make(16, 16), sof0, 65500)},
      {"JPEG below the limit", jpeg_of_size(jpeg::make(16, 16), sof0, 15000)},
      {"progressive JPEG", jpeg_of_size(jpeg::write(small, {.is_progressive = true}), 0xC2, 15000)},
      {"arithmetic JPEG", jpeg_of_size(jpeg::write(small, {.is_arithmetic = true}), 0xC9, 15000)},
      {"PNG", png::file({png::header(65535, 65535, 8, 6), zeros, png::end()})},
      {"PNG below the limit", png::file({png::header(15000, 15000, 8, 2), zeros, png::end()})},
      {"WebP", file_of(std::string("RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\xff\xff\xff\x0f\0\0\0\0\0\0\0\0\0", 34))},
      {"GIF",
       file_of(std::string("GIF89a")) + File{0x98, 0x3A, 0x98, 0x3A, 0x80, 0,    0,    1, 2, 3, 4,    5,    6, ',', 0,
                                             0,    0,    0,    0x98, 0x3A, 0x98, 0x3A, 0, 2, 2, 0x44, 0x0A, 0, ';'}},
      {"BMP", File{'B', 'M', 62, 0,    0,    0, 0, 0,    0,    0, 54, 0, 0, 0,  40,
                   0,   0,   0,  0x98, 0x3A, 0, 0, 0x98, 0x3A, 0, 0,  1, 0, 24, 0} +
                  File(40)},
      {"TGA", File{0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x98, 0x3A, 0x98, 0x3A, 24, 0x20} + File(99)},
      {"PPM", file_of(std::string("P6 15000 15000 255\nabc"))},
      {"PSD", file_of(std::string("8BPS")) +
                  File{0, 1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0x3A, 0x98, 0, 0, 0x3A, 0x98, 0, 8, 0, 3} + File(40)}};
  for (const auto& [name, file] : bombs) {
    INFO(name);
    largest_request = 0;
    std::clock_t least = CLOCKS_PER_SEC;
    for (int run = 0; run < 3; ++run) {
      const std::clock_t start = std::clock();
      CHECK_THROWS_AS(decode_image(file, "bomb"), Error);
      least = std::min(least, std::clock() - start);
    }
    CHECK(largest_request < 1 << 21);     // 16 MB is the promise
    CHECK(least < CLOCKS_PER_SEC / 100);  // 10 ms
  }
}

TEST_CASE("a HEIC that claims another size than its picture has is no bomb", "[advisory]") {
  const auto file = heif::write(Image(64, 48, 3));
  if (!file) {
    WARN("this libheif has no HEVC encoder: skipped");
    return;
  }
  File claims = file_of(*file);
  const std::array name{std::uint8_t{'i'}, std::uint8_t{'s'}, std::uint8_t{'p'}, std::uint8_t{'e'}};
  int changed = 0;  // a small picture is a part of a larger tile, and each has its size
  for (auto at = claims.begin();; ++changed) {
    at = std::search(at, claims.end(), name.begin(), name.end());
    if (at == claims.end()) break;
    at += 8;
    for (const std::ptrdiff_t field : {0, 4}) *(at + field + 2) = 15000 >> 8, *(at + field + 3) = 15000 & 255;
  }
  REQUIRE(changed > 0);
  largest_request = 0;
  CHECK_THROWS_WITH(decode_image(claims, "bomb"), Contains("bomb: 15000 x 15000 pixels in a file of"));
  CHECK(largest_request < 1 << 21);
}
