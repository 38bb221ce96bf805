#include "data/picture_size.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/exif.h"
#include "data/image_io.h"

namespace weft {
namespace {

constexpr int most_parts = 10'000;  // segments or chunks before a header is left to the decoder

/// A file of which a few places are read. Once it has ended, or a length makes no sense, `is_good` stays false.
class Header {
 public:
  explicit Header(const std::filesystem::path& path) : file_(path, std::ios::binary) {}

  bool is_good() const { return file_.good(); }
  std::vector<std::uint8_t> take(std::size_t count) {
    std::vector<std::uint8_t> bytes(count);
    file_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(count));
    return bytes;
  }
  std::uint32_t number(std::size_t bytes) {  // the highest byte first
    std::uint32_t value = 0;
    for (const std::uint8_t byte : take(bytes)) value = value << 8 | byte;
    return value;
  }
  void skip(std::uint32_t count) { file_.seekg(count, std::ios::cur); }

 private:
  std::ifstream file_;
};

PictureSize upright(std::uint32_t width, std::uint32_t height, int orientation) {
  const bool is_turned = orientation >= 5;
  const auto w = static_cast<int>(width), h = static_cast<int>(height);
  return {is_turned ? h : w, is_turned ? w : h, is_turned};
}

/// Segments up to the frame's header (ITU-T T.81, B.1); behind SOI.
std::optional<PictureSize> jpeg_size(Header& file) {
  constexpr std::array<std::uint8_t, 6> exif{'E', 'x', 'i', 'f', 0, 0};
  std::optional<int> orientation;
  for (int part = 0; part < most_parts && file.is_good(); ++part) {
    if (file.number(1) != 0xFF) return std::nullopt;
    std::uint32_t marker = 0xFF;
    while (marker == 0xFF && file.is_good()) marker = file.number(1);
    const std::uint32_t length = file.number(2);
    if (!file.is_good() || length < 2) return std::nullopt;
    const bool is_frame = marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (is_frame) {
      file.skip(1);  // precision
      const std::uint32_t height = file.number(2), width = file.number(2);
      if (!file.is_good() || height == 0 || width == 0) return std::nullopt;
      return upright(width, height, orientation.value_or(1));
    }
    if (marker == 0xDA || marker == 0xD9) return std::nullopt;
    if (marker != 0xE1 || orientation) {
      file.skip(length - 2);
      continue;
    }
    const auto content = file.take(length - 2);
    if (content.size() >= exif.size() && std::equal(exif.begin(), exif.end(), content.begin()))
      orientation = read_exif(content).orientation;
  }
  return std::nullopt;
}

/// Chunks to the end (ISO/IEC 15948); behind the signature. Before PNG had eXIf, programs put EXIF into text; such a
/// file is left to the decoder.
std::optional<PictureSize> png_size(Header& file) {
  std::uint32_t width = 0, height = 0;
  int orientation = 1;
  for (int part = 0; part < most_parts && file.is_good(); ++part) {
    const std::uint32_t length = file.number(4);
    const auto name_bytes = file.take(4);
    const std::string name(name_bytes.begin(), name_bytes.end());
    if (!file.is_good() || length > 0x7FFFFFFF) return std::nullopt;
    if (name == "IHDR" && length == 13) {
      width = file.number(4);
      height = file.number(4);
      file.skip(5 + 4);
    } else if (name == "eXIf" && length < 1'000'000) {
      orientation = read_exif(file.take(length)).orientation;
      file.skip(4);
    } else if (name == "tEXt" || name == "zTXt" || name == "iTXt") {
      constexpr std::string_view profile = "Raw profile type ";
      const auto begin = file.take(std::min<std::size_t>(length, profile.size()));
      if (std::equal(begin.begin(), begin.end(), profile.begin(), profile.end())) return std::nullopt;
      file.skip(length - static_cast<std::uint32_t>(begin.size()) + 4);
    } else if (name == "IEND") {
      constexpr std::uint32_t most = 1u << 30;
      if (width == 0 || height == 0 || width > most || height > most) return std::nullopt;
      return upright(width, height, orientation);
    } else {
      file.skip(length + 4);
    }
  }
  return std::nullopt;
}

std::optional<PictureSize> size_from_header(const std::filesystem::path& path) {
  Header file(path);
  const auto first = file.take(2);
  if (!file.is_good()) return std::nullopt;
  if (first[0] == 0xFF && first[1] == 0xD8) return jpeg_size(file);
  if (first[0] != 0x89 || first[1] != 'P') return std::nullopt;
  file.skip(6);
  return png_size(file);
}

}  // namespace

PictureSize picture_size(const std::filesystem::path& path) {
  if (const auto size = size_from_header(path)) return *size;
  const Image picture = load_image(path);
  return {picture.width, picture.height, false};
}

}  // namespace weft
