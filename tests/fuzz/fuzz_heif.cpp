// The bytes as HEIC or AVIF.

#include "data/heif_codec.h"
#include "tests/fuzz/picture.h"

using namespace weft;

// Of some broken files dav1d 1.0 loses 40 bytes and libheif 1.15 the 52 of a colour profile whose numbers are unknown
// (both Debian 12's). What weft itself gets of libheif is freed by owners (data/heif_codec.cpp).
extern "C" const char* __lsan_default_suppressions() { return "leak:libdav1d\nleak:libheif\n"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::read_picture([&] { return decode_heif({data, size}, "f", {.max_pixels = fuzz::max_pixels}).image; });
  return 0;
}
