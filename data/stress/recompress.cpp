#include "data/stress/recompress.h"

#include <span>

#include "data/jpeg_codec.h"

namespace weft {

Image recompress(const Image& picture, int quality) {
  const std::string file = encode_jpeg(picture, quality);
  const Bytes bytes(reinterpret_cast<const std::uint8_t*>(file.data()), file.size());
  return decode_jpeg(bytes, "recompress", {.max_pixels = std::int64_t{picture.width} * picture.height}).image;
}

}  // namespace weft
