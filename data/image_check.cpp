#include "data/image_check.h"

#include "core/check.h"

namespace weft {

using namespace std::string_view_literals;

PictureFormat picture_format(Bytes file, std::string_view name) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (text.starts_with("\xFF\xD8\xFF"sv)) return PictureFormat::jpeg;
  if (text.starts_with("\x89PNG\r\n\x1A\n"sv)) return PictureFormat::png;
  WEFT_CHECK(!text.empty(), "{}: the file is empty", name);

  const bool is_iso_media = text.size() >= 12 && text.substr(4, 4) == "ftyp"sv;
  const char* found = nullptr;
  if (text.starts_with("GIF8"sv)) found = "GIF";
  if (text.starts_with("BM"sv)) found = "BMP";
  if (text.starts_with("RIFF"sv) && text.size() >= 12 && text.substr(8, 4) == "WEBP"sv) found = "WebP";
  if (text.starts_with("II*\0"sv) || text.starts_with("MM\0*"sv)) found = "TIFF";
  if (text.starts_with("8BPS"sv)) found = "PSD";
  if (is_iso_media) found = text.substr(8, 4) == "avif"sv ? "AVIF" : "HEIC";
  if (text.starts_with("\xFF\xD8"sv) || text.starts_with("\x89PNG"sv)) fail("{}: a damaged or truncated picture", name);
  if (found) fail("{}: unsupported format {}; expected JPEG or PNG", name, found);
  fail("{}: unsupported format; expected JPEG or PNG", name);
}

}  // namespace weft
