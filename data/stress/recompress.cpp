#include "data/stress/recompress.h"

#include <span>

#include "data/jpeg_codec.h"

namespace weft {

Image recompress(const Image& picture, int quality) {
  const std::string file = encode_jpeg(picture, quality);
  return decode_jpeg({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()}, "recompress");
}

}  // namespace weft
