#include "data/picture_format.h"

#include "core/check.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace weft;

namespace {
Bytes bytes_of(const std::string& text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }
std::string kind(const std::string& text) { return file_kind(bytes_of(text), text.size()).name; }
PictureFormat format_of(const std::string& text) { return picture_format(bytes_of(text), "a.jpg"); }
std::string ftyp(const std::string& major, const std::string& compatible = "") {
  return std::string("\0\0\0", 3) + static_cast<char>(16 + compatible.size()) + "ftyp" + major + std::string(4, '\0') +
         compatible;
}
/// A TGA of width x height with `type` and `bits`, and `data` bytes behind its header.
std::string tga(int type, int bits, int width, int height, std::size_t data) {
  std::string file(18, '\0');
  file[2] = static_cast<char>(type);
  file[12] = static_cast<char>(width);
  file[14] = static_cast<char>(height);
  file[16] = static_cast<char>(bits);
  return file + std::string(data, 'x');
}
}  // namespace

TEST_CASE("formats are told by their content", "[image]") {
  CHECK(format_of("\xFF\xD8\xFF\xE0") == PictureFormat::jpeg);
  CHECK(format_of("\x89PNG\r\n\x1A\n") == PictureFormat::png);
  CHECK(format_of("RIFF....WEBPVP8 ") == PictureFormat::webp);
  CHECK(format_of("GIF89a......") == PictureFormat::gif);
  CHECK(format_of(std::string("8BPS\0\1", 6)) == PictureFormat::psd);
  CHECK(format_of("P6 1 1 255\nabc") == PictureFormat::pnm);
  CHECK(format_of("P5\n# comment\n1 1 255\na") == PictureFormat::pnm);
  CHECK(format_of(std::string("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", 18)) == PictureFormat::bmp);
  for (const char* brand : {"heic", "heix", "mif1", "avif"}) CHECK(format_of(ftyp(brand)) == PictureFormat::heif);
  CHECK(kind(ftyp("mif1", "avifmiaf")) == "AVIF");
  CHECK(kind(ftyp("mif1", "heicmiaf")) == "HEIC");
  CHECK(format_of(tga(2, 24, 2, 3, 18)) == PictureFormat::tga);
  CHECK(format_of(tga(3, 8, 2, 3, 6)) == PictureFormat::tga);
  CHECK(format_of(tga(10, 32, 200, 3, 40)) == PictureFormat::tga);
}

TEST_CASE("what is no picture has a name that people use", "[image]") {
  CHECK(kind("") == "empty file");
  CHECK(kind("hello") == "text");
  CHECK(kind("BMW drives past") == "text");
  CHECK(kind("P5 is a paragraph") == "text");
  CHECK(kind("P5: a paragraph") == "text");
  CHECK(kind("<?xml version='1.0'?><svg/>") == "SVG drawing");
  CHECK(kind(ftyp("isom", "mp42")) == "video");
  CHECK(kind(ftyp("qt  ")) == "video");
  CHECK(kind("RIFF....AVI LIST") == "video");
  CHECK(kind(std::string("II*\0", 4)) == "TIFF or raw picture");
  CHECK(kind("%PDF-1.7") == "PDF");
  CHECK(kind("PK\3\4") == "zip archive");
  CHECK(kind(std::string("\0\1\2\3\4\5", 6)) == "unknown file");
  CHECK(kind(tga(2, 24, 2, 3, 17)) == "unknown file");  // a byte less than its pixels
  CHECK(kind(tga(2, 23, 2, 3, 99)) == "unknown file");
  CHECK(kind("\x89PNG\n\x1A\n") == "damaged picture");
  CHECK(kind("\xFF\xD8") == "damaged picture");
  CHECK_THROWS_WITH(format_of(""), Contains("a.jpg: the file is empty"));
  CHECK_THROWS_WITH(format_of("%PDF-1.7"),
                    Contains("a.jpg: no picture that weft reads (PDF); expected JPEG, PNG, WebP"));

  const test::TemporaryFolder folder;
  CHECK(file_kind(folder.write("a.jpg", std::string("hello"))).name == "text");
  CHECK(file_kind(folder.write("b.txt", std::string("\xFF\xD8\xFF\xE0"))).picture == PictureFormat::jpeg);
  CHECK(file_kind(folder.write("c", std::string())).name == "empty file");
  CHECK(file_kind(folder / "missing").name == "unreadable file");
}
