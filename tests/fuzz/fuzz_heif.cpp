// The bytes as HEIC or AVIF.

#include "data/heif_codec.h"
#include "tests/fuzz/picture.h"

using namespace weft;

// Of some broken AVIF the decoder behind libheif (dav1d 1.0 of Debian 12) loses 40 bytes.
extern "C" const char* __lsan_default_suppressions() { return "leak:libdav1d\n"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::read_picture([&] { return decode_heif({data, size}, "f", {.max_pixels = fuzz::max_pixels}).image; });
  return 0;
}
