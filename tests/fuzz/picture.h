#pragma once
// What the picture readers promise for any bytes: a picture, or an Error of one line that starts with the file's name.

#include <cstdlib>

#include "data/image_io.h"
#include "tests/fuzz/reader.h"

namespace weft::fuzz {

inline constexpr std::int64_t max_pixels = 1 << 20;  // keeps a single run short
inline bool last_is_dark = false;                       // keeps the compiler from leaving out what sets it

template <class Read>
void read_picture(Read&& read) {
  read_any("", [&](const FileBytes&) {
    const Image image = read();
    const auto pixels = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
    if (pixels == 0 || image.pixels.size() != pixels * static_cast<std::size_t>(image.channels)) std::abort();
    // Memory that the decoder never wrote shows up here under -fsanitize=memory.
    bool is_dark = true;
    for (const std::uint8_t value : image.pixels) {
      if (value != 0) is_dark = false;
    }
    last_is_dark = is_dark;
  });
}

}  // namespace weft::fuzz
