#include "core/formats/checksum.h"

#include <zlib.h>

namespace weft {

std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t previous) {
  if (bytes.empty()) return previous;  // zlib takes a null pointer for a wish to start anew
  return static_cast<std::uint32_t>(::crc32_z(previous, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace weft
