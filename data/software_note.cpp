#include "data/software_note.h"

#include <string>
#include <string_view>

#include "data/exif.h"
#include "data/picture_format.h"
#include "data/read_file.h"

namespace weft {
namespace {

using namespace std::string_view_literals;

std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// The chunks before the picture's data, one after the other: length, name, content, CRC.
bool png_has_note(Bytes file) {
  constexpr std::size_t frame_bytes = 12;
  const std::string expected = std::string("Software\0"sv) + software_note;
  for (std::size_t at = 8; at + frame_bytes <= file.size();) {
    const std::size_t length = *read_uint(file, at, 4);
    if (length > file.size() - at - frame_bytes) return false;
    const std::string_view name = as_text(file.subspan(at + 4, 4));
    if (name == "IDAT"sv) return false;
    if (name == "tEXt"sv && as_text(file.subspan(at + 8, length)) == expected) return true;
    at += frame_bytes + length;
  }
  return false;
}

/// The segments before the picture's data: FF, marker, length (which counts itself), content.
bool jpeg_has_note(Bytes file) {
  constexpr std::uint8_t comment = 0xFE, start_of_scan = 0xDA;
  for (std::size_t at = 2; at + 4 <= file.size() && file[at] == 0xFF && file[at + 1] != start_of_scan;) {
    const std::size_t length = *read_uint(file, at + 2, 2);
    if (length < 2 || length > file.size() - at - 2) return false;
    if (file[at + 1] == comment && as_text(file.subspan(at + 4, length - 2)) == software_note) return true;
    at += 2 + length;
  }
  return false;
}

/// RIFF's chunks: name, length, content, a byte more where the length is odd.
bool webp_has_note(Bytes file) {
  for (std::size_t at = 12; at + 8 <= file.size();) {
    const std::size_t length = *read_uint(file, at + 4, 4, ByteOrder::little);
    if (length > file.size() - at - 8) return false;
    if (as_text(file.subspan(at, 4)) == "EXIF"sv)
      return read_exif(file.subspan(at + 8, length)).software == software_note;
    at += 8 + length + length % 2;
  }
  return false;
}

}  // namespace

bool has_software_note(const std::filesystem::path& path) {
  const std::vector<std::uint8_t> file = read_file(path);
  switch (file_kind(file, file.size()).picture.value_or(PictureFormat::bmp)) {
    case PictureFormat::png:
      return png_has_note(file);
    case PictureFormat::jpeg:
      return jpeg_has_note(file);
    case PictureFormat::webp:
      return webp_has_note(file);
    default:
      return false;
  }
}

}  // namespace weft
