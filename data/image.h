#pragma once
// A picture in memory. data/image_io.h reads and writes them.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weft {

/// Room for `count` values. Large pictures ask the system for large pages: a fault for each 4 KB of fresh memory costs
/// three times as much as decoding a JPEG into it (100 ms for 12 megapixels).
void reserve_pixels(std::vector<std::uint8_t>& pixels, std::size_t count);

/// Rows of interleaved 8-bit samples, top row first: sample (y, x, c) is pixels[(y * width + x) * channels + c].
struct Image {
  int width = 0;
  int height = 0;
  int channels = 0;  // 1 grey or label ids, 3 RGB, 4 RGBA
  std::vector<std::uint8_t> pixels;

  Image() = default;
  Image(int width_, int height_, int channels_, std::uint8_t value = 0)
      : width(width_), height(height_), channels(channels_) {
    const std::size_t count =
        static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_) * static_cast<std::size_t>(channels_);
    reserve_pixels(pixels, count);
    pixels.resize(count, value);
  }

  std::uint8_t* at(int y, int x) {
    return &pixels[(static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)) *
                   static_cast<std::size_t>(channels)];
  }
  const std::uint8_t* at(int y, int x) const { return const_cast<Image*>(this)->at(y, x); }
  bool operator==(const Image&) const = default;
};

}  // namespace weft
