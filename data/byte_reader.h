#pragma once
// Reads numbers from bytes that came from a file, where every length may be a lie: a read that would
// pass the end is told from one that succeeded, and nothing is touched.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace weft {

using Bytes = std::span<const std::uint8_t>;

enum class ByteOrder { big, little };

/// The unsigned number of `count` (1..4) bytes at `offset`, or nothing where it would pass the end.
inline std::optional<std::uint32_t> read_uint(Bytes bytes, std::size_t offset, int count,
                                              ByteOrder order = ByteOrder::big) {
  if (offset > bytes.size() || bytes.size() - offset < static_cast<std::size_t>(count)) return std::nullopt;
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i) {
    const int from = order == ByteOrder::big ? i : count - 1 - i;
    value = (value << 8) | bytes[offset + static_cast<std::size_t>(from)];
  }
  return value;
}

}  // namespace weft
