// The bytes as a JPEG: the check in front of stb_image lets nothing through that stb_image stumbles over.

#include "tests/fuzz/picture.h"

using namespace weft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::read_picture([&] { return decode_image({data, size}, "f", fuzz::max_pixels); });
  return 0;
}
