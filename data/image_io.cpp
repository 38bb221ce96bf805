#include "data/image_io.h"

#include "core/atomic_file.h"
#include "core/check.h"
#include "data/exif.h"
#include "data/image_check.h"
#include "data/jpeg_check.h"
#include "data/jpeg_codec.h"
#include "data/png_check.h"
#include "data/png_codec.h"
#include "data/read_file.h"

namespace weft {

Image decode_image(Bytes file, std::string_view name, std::int64_t max_pixels) {
  if (picture_format(file, name) == PictureFormat::jpeg) {
    const JpegInfo info = check_jpeg(file, name, max_pixels);
    return apply_orientation(decode_jpeg(file, name), info.orientation);
  }
  const PngInfo info = check_png(file, name, max_pixels);
  return apply_orientation(decode_png(info, name), info.orientation);
}

Image load_image(const std::filesystem::path& path, std::int64_t max_pixels) {
  return decode_image(read_file(path), path.string(), max_pixels);
}

Image decode_label_mask(Bytes file, std::string_view name, std::int64_t max_pixels) {
  WEFT_CHECK(picture_format(file, name) == PictureFormat::png,
             "{}: a JPEG mask; its compression changes label ids, expected PNG", name);
  const PngInfo info = check_png(file, name, max_pixels);
  return apply_orientation(decode_png_ids(info, name), info.orientation);
}

Image load_label_mask(const std::filesystem::path& path, std::int64_t max_pixels) {
  return decode_label_mask(read_file(path), path.string(), max_pixels);
}

void save_png(const std::filesystem::path& path, const Image& image) {
  write_file(path, encode_png(image), Durability::kill);
}

}  // namespace weft
