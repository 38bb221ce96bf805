#include "data/image_check.h"

#include "core/check.h"
#include "tests/catch.h"

using namespace weft;

namespace {
PictureFormat format_of(const std::string& text) {
  return picture_format({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, "a.jpg");
}
}  // namespace

TEST_CASE("formats are told by their first bytes", "[image]") {
  CHECK(format_of("\xFF\xD8\xFF\xE0") == PictureFormat::jpeg);
  CHECK(format_of("\x89PNG\r\n\x1A\n") == PictureFormat::png);
  CHECK_THROWS_WITH(format_of(""), Contains("a.jpg: the file is empty"));
  CHECK_THROWS_WITH(format_of("GIF89a......"), Contains("a.jpg: unsupported format GIF; expected JPEG or PNG"));
  CHECK_THROWS_WITH(format_of("8BPS....."), Contains("PSD"));
  CHECK_THROWS_WITH(format_of("RIFF....WEBPVP8 "), Contains("WebP"));
  CHECK_THROWS_WITH(format_of(std::string("\0\0\0\x18" "ftypheic", 12)), Contains("HEIC"));
  CHECK_THROWS_WITH(format_of("#?RADIANCE\n"), Contains("unsupported format; expected JPEG or PNG"));
  CHECK_THROWS_WITH(format_of("\x89PNG\n\x1A\n"), Contains("a damaged or truncated picture"));
  CHECK_THROWS_WITH(format_of("\xFF\xD8"), Contains("a damaged or truncated picture"));
}
