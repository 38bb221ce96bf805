#pragma once
// PNG files put together by hand, so that tests can break them where they like.

#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

namespace weft::png {

using File = std::vector<std::uint8_t>;

inline void append_u32(File& file, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) file.push_back(static_cast<std::uint8_t>(value >> shift));
}

template <class Range>
void append(File& file, const Range& bytes) {
  for (const auto byte : bytes) file.push_back(static_cast<std::uint8_t>(byte));
}

/// A chunk with its length and CRC.
inline File chunk(const std::string& name, const File& content) {
  File out;
  append_u32(out, static_cast<std::uint32_t>(content.size()));
  append(out, name);
  append(out, content);
  append_u32(out, static_cast<std::uint32_t>(crc32(0, out.data() + 4, static_cast<uInt>(out.size() - 4))));
  return out;
}

inline File header(std::uint32_t width, std::uint32_t height, int depth, int colour, int interlace = 0) {
  File content;
  append_u32(content, width);
  append_u32(content, height);
  for (const int byte : {depth, colour, 0, 0, interlace}) content.push_back(static_cast<std::uint8_t>(byte));
  return chunk("IHDR", content);
}

/// IDAT of rows that already start with their filter byte.
inline File data(const File& rows) {
  uLongf size = compressBound(static_cast<uLong>(rows.size()));
  File packed(size);
  compress(packed.data(), &size, rows.data(), static_cast<uLong>(rows.size()));
  packed.resize(size);
  return chunk("IDAT", packed);
}

inline File end() { return chunk("IEND", {}); }

/// The signature and the chunks given.
inline File file(const std::vector<File>& chunks) {
  File out{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  for (const File& each : chunks) append(out, each);
  return out;
}

}  // namespace weft::png
