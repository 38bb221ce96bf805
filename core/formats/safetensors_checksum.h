#pragma once
// Where the checksum's digits stand in a safetensors file: what the reader and the writer must agree on.

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace weft {

inline constexpr std::size_t checksum_digits = 8;

inline std::string checksum_text(std::uint32_t sum) { return fmt::format("{:08x}", sum); }

/// The position of the first digit in the text of a file or header; npos where there is none. Inside a JSON
/// string each quote has a backslash before it, so this text can stand for nothing but the key itself.
inline std::size_t checksum_position(std::string_view text) {
  constexpr std::string_view key = "\"weft.crc32\":\"";
  const std::size_t found = text.find(key);
  const std::size_t digits = found + key.size();
  return found == std::string_view::npos || text.size() - digits < checksum_digits ? std::string_view::npos : digits;
}

}  // namespace weft
