#include "data/image_io.h"

#include <algorithm>

#include "core/check.h"
#include "data/exif.h"
#include "data/jpeg_codec.h"
#include "data/picture_format.h"
#include "data/png_codec.h"
#include "data/read_file.h"
#include "data/webp_codec.h"

namespace weft {

namespace {
constexpr int picture_quality = 92, mask_quality = 100;
}

Image decode_image(Bytes file, std::string_view name, std::int64_t max_pixels) {
  return as_seen(decode_photograph(file, name, {.max_pixels = max_pixels}));
}

Image load_image(const std::filesystem::path& path, std::int64_t max_pixels) {
  return decode_image(read_file(path), path.string(), max_pixels);
}

Image decode_label_mask(Bytes file, std::string_view name, std::int64_t max_pixels) {
  const PictureFormat format = picture_format(file, name);
  WEFT_CHECK(format != PictureFormat::jpeg, "{}: a JPEG mask; its compression changes label ids, expected PNG", name);
  WEFT_CHECK(format == PictureFormat::png, "{}: a {} mask; expected PNG, which keeps label ids", name,
             file_kind(file, file.size()).name);
  DecodedPicture mask = decode_png_ids(file, name, {.max_pixels = max_pixels});
  return apply_orientation(std::move(mask.image), mask.orientation);
}

Image load_label_mask(const std::filesystem::path& path, std::int64_t max_pixels) {
  return decode_label_mask(read_file(path), path.string(), max_pixels);
}

void save_png(const std::filesystem::path& path, const Image& image, Durability durability) {
  write_file(path, encode_png(image), durability);
}

std::optional<OutputFormat> output_format(const std::filesystem::path& file) {
  std::string ending = file.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (ending == ".png") return OutputFormat::png;
  if (ending == ".jpg" || ending == ".jpeg") return OutputFormat::jpeg;
  if (ending == ".webp") return OutputFormat::webp;
  return std::nullopt;
}

std::string extension_of(OutputFormat format) {
  return format == OutputFormat::png ? "png" : format == OutputFormat::jpeg ? "jpg" : "webp";
}

std::string encode_picture(const Image& image, OutputFormat format, const PictureExtras& extras) {
  if (format == OutputFormat::png) return encode_png(image, extras);
  const bool is_mask = image.channels == 1;
  if (format == OutputFormat::jpeg) return encode_jpeg(image, is_mask ? mask_quality : picture_quality, extras);
  return encode_webp(image, is_mask ? webp_lossless : picture_quality, extras);
}

}  // namespace weft
