#pragma once
// How large a picture is, told from its header where that is enough.

#include <filesystem>

namespace weft {

struct PictureSize {
  int width = 0, height = 0;  // upright, as load_image gives it
  bool is_turned = false;     // EXIF orientation 5 to 8: stored with width and height the other way round
  bool operator==(const PictureSize&) const = default;
};

/// Reads a few kilobytes of a JPEG or PNG. A file whose header leaves a doubt, or of another format, is decoded. Throws
/// Error as load_image does. That all of the picture is there is not looked at.
PictureSize picture_size(const std::filesystem::path& path);

}  // namespace weft
