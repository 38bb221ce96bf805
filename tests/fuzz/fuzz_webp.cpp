// The bytes as WebP.

#include "data/webp_codec.h"
#include "tests/fuzz/picture.h"

using namespace weft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::read_picture([&] { return decode_webp({data, size}, "f", {.max_pixels = fuzz::max_pixels}).image; });
  return 0;
}
