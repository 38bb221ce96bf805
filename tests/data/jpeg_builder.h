#pragma once
// JPEG files of weft's own encoder, and the means to break them at a chosen segment.

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "core/random.h"
#include "data/jpeg_codec.h"

namespace weft::jpeg {

using File = std::vector<std::uint8_t>;

/// A picture without symmetry: smooth colour and some noise.
inline Image test_picture(int width, int height, int channels = 3) {
  Image image(width, height, channels);
  Random random(1);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c) {
        const int ramp = c == 0 ? 200 * x / width : c == 1 ? 200 * y / height : 100;
        image.at(y, x)[c] = static_cast<std::uint8_t>(ramp + static_cast<int>(random.below(40)));
      }
    }
  }
  return image;
}

inline File make(int width, int height, int quality = 80, int channels = 3) {
  const std::string text = encode_jpeg(test_picture(width, height, channels), quality);
  return {text.begin(), text.end()};
}

/// Offset of the segment's first byte, which is the 0xFF of its marker.
inline std::size_t find(const File& file, int marker) {
  for (std::size_t at = 2; at + 4 <= file.size();) {
    if (file[at + 1] == marker) return at;
    if (file[at + 1] == 0xDA) break;
    at += 2u + (file[at + 2] << 8u) + file[at + 3];
  }
  throw std::logic_error("the test's JPEG has no such segment");
}

inline File with_byte(File file, std::size_t at, int value) {
  file.at(at) = static_cast<std::uint8_t>(value);
  return file;
}

/// The file with a segment (marker and content) put in before offset `at`.
inline File with_segment(const File& file, std::size_t at, int marker, const File& content) {
  const std::size_t length = content.size() + 2;
  File out(file.size() + length + 2);
  auto next = std::copy_n(file.begin(), at, out.begin());
  for (const std::size_t byte : {std::size_t{0xFF}, static_cast<std::size_t>(marker), length >> 8, length}) {
    *next++ = static_cast<std::uint8_t>(byte);
  }
  next = std::copy(content.begin(), content.end(), next);
  std::copy(file.begin() + static_cast<std::ptrdiff_t>(at), file.end(), next);
  return out;
}

/// The content of an EXIF segment that says nothing but the orientation.
inline File exif_content(int orientation) {
  return {'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1,
          0, static_cast<std::uint8_t>(orientation), 0, 0, 0, 0, 0, 0};
}

}  // namespace weft::jpeg
