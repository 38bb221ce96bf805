// The bytes as BMP, GIF, TGA or PSD.

#include "data/stb_codec.h"
#include "tests/fuzz/picture.h"

using namespace weft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::read_picture([&] { return decode_stb({data, size}, "f", {.max_pixels = fuzz::max_pixels}).image; });
  return 0;
}
