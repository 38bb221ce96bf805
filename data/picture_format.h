#pragma once
// Tells picture formats apart by their content; the name of a file proves nothing.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "data/byte_reader.h"

namespace weft {

enum class PictureFormat { jpeg, png, webp, heif, bmp, gif, tga, pnm, psd };

/// What a file is: a picture that weft reads, or else what people call it.
struct FileKind {
  std::optional<PictureFormat> picture;
  std::string name;  // "JPEG", "HEIC", ...; "TIFF picture", "video", "text", "empty file", "unknown file", ...
};

/// The kind of a file that begins with `head` and has `file_bytes` bytes. TGA has no signature: it is told by a header
/// that makes sense and fits the size. The first 4 KB are enough.
FileKind file_kind(Bytes head, std::uint64_t file_bytes);
/// The same for a file on disk; "unreadable file" where it can't be read.
FileKind file_kind(const std::filesystem::path& file);

/// True for names that end as pictures' do (.jpg, .jfif, .png, .webp, .heic, ...), in any case.
bool is_picture_name(const std::filesystem::path& file);

/// The format of a whole file. Throws Error starting with `name` for an empty file and for what weft does not read.
PictureFormat picture_format(Bytes file, std::string_view name);

}  // namespace weft
