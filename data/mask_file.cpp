#include "data/mask_file.h"

#include <algorithm>

#include "core/check.h"
#include "data/image_io.h"
#include "data/picture_format.h"
#include "data/read_file.h"

namespace weft {
namespace {

/// Grey values and palette indices are ids; what else a PNG or another lossless format holds are colours.
bool holds_colours(Bytes file, PictureFormat format) {
  constexpr std::size_t colour_type = 25;  // of a PNG's header: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA
  if (format != PictureFormat::png) return true;
  return file.size() > colour_type && (file[colour_type] == 2 || file[colour_type] == 6);
}

/// 1 where the luma (Rec. 601) of an RGB picture is at least `threshold`; of a grey one that is its value.
Image above(const Image& rgb, int threshold) {
  Image ids(rgb.width, rgb.height, 1);
  for (std::size_t i = 0; i < ids.pixels.size(); ++i) {
    const std::uint8_t* v = &rgb.pixels[3 * i];
    const int luma = (299 * v[0] + 587 * v[1] + 114 * v[2] + 500) / 1000;
    ids.pixels[i] = luma >= threshold ? 1 : 0;
  }
  return ids;
}

}  // namespace

Image decode_mask(Bytes file, const std::string& name, const LabelMap& labels, int threshold) {
  WEFT_CHECK(threshold >= 0 && threshold <= 255, "[decode_mask] expected a threshold of 0 to 255, got {}", threshold);
  if (threshold > 0) return above(decode_image(file, name), threshold);
  const PictureFormat format = picture_format(file, name);
  WEFT_CHECK(format != PictureFormat::jpeg,
             "{}: a JPEG mask; its compression changes label ids, expected PNG; a mask of black and white is read with "
             "--mask-threshold 128",
             name);
  if (!holds_colours(file, format)) return decode_label_mask(file, name);
  WEFT_CHECK(
      labels.has_colours(),
      "{}: a coloured mask, and label map '{}' has no table of colours; give its labels \"colour\": \"#rrggbb\", "
      "or read a mask of black and white with --mask-threshold 128",
      name, labels.name());
  return labels.ids_of_colours(decode_image(file, name), name);
}

Image load_mask(const std::filesystem::path& path, const LabelMap& labels, int threshold) {
  return decode_mask(read_file(path), path.string(), labels, threshold);
}

}  // namespace weft
