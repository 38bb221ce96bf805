// Whatever the bytes are, the picture readers give a picture, or an Error that starts with the file's name.

#include <cstdlib>
#include <string_view>

#include "core/check.h"
#include "data/image_io.h"

namespace {

constexpr std::int64_t max_pixels = 1 << 20;  // keeps a single run short

template <class Read>
void run(Read&& read) {
  try {
    const weft::Image image = read();
    const auto pixels = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
    if (pixels == 0 || image.pixels.size() != pixels * static_cast<std::size_t>(image.channels)) std::abort();
    // Memory that the decoder never wrote shows up here under -fsanitize=memory.
    std::uint64_t sum = 0;
    for (const std::uint8_t value : image.pixels) sum += value;
    if (sum == 1) std::abort();
  } catch (const weft::Error& error) {
    if (!std::string_view(error.what()).starts_with("f: ")) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run([&] { return weft::decode_image({data, size}, "f", max_pixels); });
  run([&] { return weft::decode_label_mask({data, size}, "f", max_pixels); });
  return 0;
}
