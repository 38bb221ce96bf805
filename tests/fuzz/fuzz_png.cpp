// The bytes as a PNG, read as a picture and as a mask of ids: as they are, and once more with the CRCs put right, which
// no fuzzer would guess.

#include <zlib.h>

#include "data/byte_reader.h"
#include "tests/fuzz/picture.h"

using namespace weft;

namespace {

std::vector<std::uint8_t> with_right_crcs(Bytes file) {
  std::vector<std::uint8_t> fixed(file.begin(), file.end());
  std::size_t at = 8;  // after the signature
  while (const auto length = read_uint(file, at, 4)) {
    if (file.size() - at < 12 || *length > file.size() - at - 12) break;
    const auto crc = static_cast<std::uint32_t>(crc32_z(0, fixed.data() + at + 4, *length + 4));
    at += 8 + *length;
    for (int shift = 24; shift >= 0; shift -= 8) fixed[at++] = static_cast<std::uint8_t>(crc >> shift);
  }
  return fixed;
}

void read(Bytes file) {
  fuzz::read_picture([&] { return decode_image(file, "f", fuzz::max_pixels); });
  fuzz::read_picture([&] { return decode_label_mask(file, "f", fuzz::max_pixels); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read({data, size});
  read(with_right_crcs({data, size}));
  return 0;
}
