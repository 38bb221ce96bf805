#include "data/software_note.h"

#include <algorithm>
#include <string_view>

#include "data/byte_reader.h"
#include "data/read_file.h"

namespace weft {
namespace {

using namespace std::string_view_literals;

/// The chunks before the picture's data, one after the other: length, name, content, CRC.
bool png_has_note(Bytes file) {
  constexpr std::size_t frame_bytes = 12;
  const std::string expected = std::string("Software\0"sv) + software_note;
  for (std::size_t at = 8; at + frame_bytes <= file.size();) {
    const std::size_t length = *read_uint(file, at, 4);
    if (length > file.size() - at - frame_bytes) return false;
    const std::string_view name(reinterpret_cast<const char*>(file.data()) + at + 4, 4);
    if (name == "IDAT"sv) return false;
    const std::string_view content(reinterpret_cast<const char*>(file.data()) + at + 8, length);
    if (name == "tEXt"sv && content == expected) return true;
    at += frame_bytes + length;
  }
  return false;
}

}  // namespace

bool has_software_note(const std::filesystem::path& path) {
  const std::vector<std::uint8_t> file = read_file(path);
  constexpr std::string_view signature = "\x89PNG\r\n\x1A\n"sv;
  const bool is_png = std::string_view(reinterpret_cast<const char*>(file.data()), file.size()).starts_with(signature);
  return is_png && png_has_note(file);
}

}  // namespace weft
