#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace weft {

/// CRC-32 (ISO 3309, the one of zip and PNG) of `bytes`; `previous` continues a sum over earlier bytes.
/// Any one flipped bit changes it, and any damage within 32 neighbouring bits; other damage slips through
/// once in 4 billion. It protects against accidents, not against forgers.
std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t previous = 0);
/// The same over the characters of `text`.
inline std::uint32_t crc32(std::string_view text, std::uint32_t previous = 0) {
  return crc32(std::as_bytes(std::span(text.data(), text.size())), previous);
}

}  // namespace weft
