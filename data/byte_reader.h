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

/// The number that 8 bytes make, written out in the way that compilers know as a single load.
inline std::uint64_t big_endian_64(const std::uint8_t* p) {
  const auto at = [p](int i, int shift) { return static_cast<std::uint64_t>(p[i]) << shift; };
  return at(0, 56) | at(1, 48) | at(2, 40) | at(3, 32) | at(4, 24) | at(5, 16) | at(6, 8) | at(7, 0);
}

}  // namespace weft
