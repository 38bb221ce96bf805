#include "data/picture_format.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <vector>

#include "core/check.h"
#include "core/formats/printable.h"

namespace weft {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t head_bytes = 4096;

struct Signature {
  std::size_t offset;
  std::string_view bytes;
  std::optional<PictureFormat> picture;
  const char* name;
};

const std::array signatures{
    Signature{0, "\xFF\xD8\xFF"sv, PictureFormat::jpeg, "JPEG"},
    Signature{0, "\x89PNG\r\n\x1A\n"sv, PictureFormat::png, "PNG"},
    Signature{8, "WEBP"sv, PictureFormat::webp, "WebP"},
    Signature{0, "GIF87a"sv, PictureFormat::gif, "GIF"},
    Signature{0, "GIF89a"sv, PictureFormat::gif, "GIF"},
    Signature{0, "BM"sv, PictureFormat::bmp, "BMP"},
    Signature{0, "8BPS\0\1"sv, PictureFormat::psd, "PSD"},
    Signature{0, "8BPS\0\2"sv, std::nullopt, "PSB picture"},
    Signature{0, "P1"sv, PictureFormat::pnm, "PNM"},
    Signature{0, "P2"sv, PictureFormat::pnm, "PNM"},
    Signature{0, "P3"sv, PictureFormat::pnm, "PNM"},
    Signature{0, "P4"sv, PictureFormat::pnm, "PNM"},
    Signature{0, "P5"sv, PictureFormat::pnm, "PNM"},
    Signature{0, "P6"sv, PictureFormat::pnm, "PNM"},
    Signature{0, "\xFF\xD8"sv, std::nullopt, "damaged picture"},
    Signature{0, "\x89PNG"sv, std::nullopt, "damaged picture"},
    Signature{0, "II*\0"sv, std::nullopt, "TIFF or raw picture"},
    Signature{0, "MM\0*"sv, std::nullopt, "TIFF or raw picture"},
    Signature{0, "\0\0\0\x0CjP  "sv, std::nullopt, "JPEG 2000 picture"},
    Signature{0, "\0\0\0\x0CJXL "sv, std::nullopt, "JPEG XL picture"},
    Signature{0, "\xFF\x0A"sv, std::nullopt, "JPEG XL picture"},
    Signature{0, "\0\0\1\0"sv, std::nullopt, "icon"},
    Signature{8, "AVI "sv, std::nullopt, "video"},
    Signature{8, "WAVE"sv, std::nullopt, "sound"},
    Signature{0, "ID3"sv, std::nullopt, "sound"},
    Signature{0, "\x1A\x45\xDF\xA3"sv, std::nullopt, "video"},
    Signature{0, "%PDF-"sv, std::nullopt, "PDF"},
    Signature{0, "PK\3\4"sv, std::nullopt, "zip archive"},
    Signature{0, "\x1F\x8B"sv, std::nullopt, "archive"},
    Signature{0, "Rar!"sv, std::nullopt, "archive"},
    Signature{0, "7z\xBC\xAF"sv, std::nullopt, "archive"},
    Signature{0, "\x93NUMPY"sv, std::nullopt, "array"},
    Signature{0, "SQLite format 3\0"sv, std::nullopt, "database"},
};

std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// Files of boxes (ISO 14496-12): HEIC, AVIF, and the videos of the same family, told by their brands.
std::optional<FileKind> iso_media_kind(Bytes head) {
  const std::string_view text = as_text(head);
  if (text.size() < 12 || text.substr(4, 4) != "ftyp"sv) return std::nullopt;
  const std::size_t end = std::min<std::size_t>(text.size(), *read_uint(head, 0, 4));
  const auto has_brand = [&](std::initializer_list<std::string_view> brands) {
    for (std::size_t at = 8; at + 4 <= end; at += at == 8 ? 8 : 4) {  // the major one, its version, the compatible ones
      if (std::find(brands.begin(), brands.end(), text.substr(at, 4)) != brands.end()) return true;
    }
    return false;
  };
  if (has_brand({"avif"sv, "avis"sv})) return FileKind{PictureFormat::heif, "AVIF"};
  if (has_brand({"heic"sv, "heix"sv, "heim"sv, "heis"sv, "hevc"sv, "hevx"sv, "mif1"sv, "msf1"sv}))
    return FileKind{PictureFormat::heif, "HEIC"};
  if (has_brand({"crx "sv})) return FileKind{std::nullopt, "TIFF or raw picture"};
  if (has_brand({"M4A "sv, "M4B "sv})) return FileKind{std::nullopt, "sound"};
  return FileKind{std::nullopt, "video"};
}

/// A header that a TGA reader can follow, and at least as many bytes as its pixels need.
bool is_tga(Bytes head, std::uint64_t file_bytes) {
  constexpr std::size_t header_bytes = 18;
  if (head.size() < header_bytes || head[1] > 1) return false;
  const int type = head[2] & ~8, bits = head[16];  // 8: run lengths
  const bool is_runs = (head[2] & 8) != 0, has_colour_map = head[1] == 1;
  const std::uint64_t width = *read_uint(head, 12, 2, ByteOrder::little),
                      height = *read_uint(head, 14, 2, ByteOrder::little);
  const std::uint64_t map_entries = *read_uint(head, 5, 2, ByteOrder::little), map_bits = head[7];
  if (head[2] > 11 || width == 0 || height == 0 || (head[17] & 0xC0) != 0) return false;
  const bool is_legal = type == 1 ? has_colour_map && bits == 8 && map_entries > 0 &&
                                        (map_bits == 15 || map_bits == 16 || map_bits == 24 || map_bits == 32)
                        : type == 2 ? !has_colour_map && (bits == 15 || bits == 16 || bits == 24 || bits == 32)
                        : type == 3 ? !has_colour_map && (bits == 8 || bits == 16)
                                    : false;
  if (!is_legal) return false;
  const std::uint64_t before = header_bytes + head[0] + map_entries * ((map_bits + 7) / 8);
  const std::uint64_t pixel_bytes = static_cast<std::uint64_t>((bits + 7) / 8);
  return file_bytes >=
         before + (is_runs ? (width * height + 127) / 128 * (1 + pixel_bytes) : width * height * pixel_bytes);
}

/// White space behind the two letters, and then a comment or a number.
bool has_pnm_header(std::string_view text) {
  constexpr std::string_view space = " \t\r\n"sv;
  if (text.size() < 3 || (space.find(text[2]) == text.npos && text[2] != '#')) return false;
  const std::size_t next = text.find_first_not_of(space, 2);
  return next != text.npos && (text[next] == '#' || (text[next] >= '0' && text[next] <= '9'));
}

/// UTF-8 without control characters but white space, up to a sequence that the end of `head` may have cut.
bool is_text(Bytes head) {
  std::string_view text = as_text(head);
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(text);
    if (length == 0) return text.size() < 4 && head.size() == head_bytes;
    const char c = text.front();
    if (c >= 0 && c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != '\x1B') return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

FileKind file_kind(Bytes head, std::uint64_t file_bytes) {
  if (file_bytes == 0 || head.empty()) return {std::nullopt, "empty file"};
  head = head.first(std::min(head.size(), head_bytes));
  const std::string_view text = as_text(head);
  if (const auto kind = iso_media_kind(head)) return *kind;
  for (const Signature& each : signatures) {
    if (text.size() < each.offset + each.bytes.size() || text.substr(each.offset, each.bytes.size()) != each.bytes)
      continue;
    if (each.offset == 8 && !text.starts_with("RIFF"sv)) continue;
    // Two letters are little: a text may begin with them. The rest of a BMP or PNM header decides.
    if (each.picture == PictureFormat::bmp && (text.size() < 18 || text[15] != 0 || text[16] != 0 || text[17] != 0))
      continue;
    if (each.picture == PictureFormat::pnm && !has_pnm_header(text)) continue;
    return {each.picture, each.name};
  }
  if (is_tga(head, file_bytes)) return {PictureFormat::tga, "TGA"};
  if (!is_text(head)) return {std::nullopt, "unknown file"};
  const bool is_drawing = text.find("<svg"sv) != text.npos;
  return {std::nullopt, is_drawing ? "SVG drawing" : "text"};
}

FileKind file_kind(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::error_code error;
  const std::uint64_t file_bytes = std::filesystem::file_size(path, error);
  std::vector<std::uint8_t> head(head_bytes);
  file.read(reinterpret_cast<char*>(head.data()), static_cast<std::streamsize>(head.size()));
  if (error || (file.gcount() == 0 && file_bytes > 0)) return {std::nullopt, "unreadable file"};
  return file_kind(Bytes(head).first(static_cast<std::size_t>(file.gcount())), file_bytes);
}

bool is_picture_name(const std::filesystem::path& file) {
  constexpr std::array endings{"jpg"sv,  "jpeg"sv, "jpe"sv,  "jfif"sv, "png"sv, "webp"sv, "heic"sv,
                               "heif"sv, "hif"sv,  "avif"sv, "bmp"sv,  "dib"sv, "gif"sv,  "tga"sv,
                               "pnm"sv,  "pbm"sv,  "pgm"sv,  "ppm"sv,  "psd"sv};
  std::string ending = file.extension().string();
  if (ending.empty()) return false;
  for (char& c : ending) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return std::find(endings.begin(), endings.end(), std::string_view(ending).substr(1)) != endings.end();
}

PictureFormat picture_format(Bytes file, std::string_view name) {
  const FileKind kind = file_kind(file, file.size());
  if (kind.picture) return *kind.picture;
  WEFT_CHECK(!file.empty(), "{}: the file is empty", name);
  fail("{}: no picture that weft reads ({}); expected JPEG, PNG, WebP, HEIC, AVIF, BMP, GIF, TGA, PNM or PSD", name,
       kind.name);
}

}  // namespace weft
