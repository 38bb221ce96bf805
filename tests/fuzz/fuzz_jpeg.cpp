// The bytes as a JPEG, whole and decoded at a half of its size.

#include "data/jpeg_codec.h"
#include "tests/fuzz/picture.h"

using namespace weft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::read_picture([&] { return decode_image({data, size}, "f", fuzz::max_pixels); });
  fuzz::read_picture([&] {
    return decode_jpeg({data, size}, "f", {.max_pixels = fuzz::max_pixels, .reduction = [](int, int) { return 2; }})
        .image;
  });
  return 0;
}
