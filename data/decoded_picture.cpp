#include "data/decoded_picture.h"

#include <climits>

#include "core/check.h"

namespace weft {

void check_size(std::int64_t width, std::int64_t height, std::size_t file_bytes, std::int64_t max_pixels,
                std::string_view name) {
  WEFT_CHECK(width > 0 && height > 0 && width <= INT_MAX && height <= INT_MAX,
             "{}: corrupt picture: its size is {} x {}", name, width, height);
  WEFT_CHECK(width <= max_pixels / height,
             "{}: {} x {} are {:.0f} megapixels, the limit is {:.6g} (infer_unet --max-pixels)", name, width, height,
             static_cast<double>(width) * static_cast<double>(height) * 1e-6, static_cast<double>(max_pixels) * 1e-6);
  constexpr std::int64_t always_allowed = 16'000'000, most_pixels_a_byte = 10'000;
  WEFT_CHECK(
      width * height <= always_allowed || width * height / most_pixels_a_byte <= static_cast<std::int64_t>(file_bytes),
      "{}: {} x {} pixels in a file of {} bytes: refused as a decompression bomb", name, width, height, file_bytes);
}

}  // namespace weft
