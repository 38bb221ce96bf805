#include "data/jpeg_codec.h"

#include <algorithm>
#include <climits>
#include <cstring>
#include <memory>

#include "core/check.h"

// The one place that compiles stb. JPEG only and from memory only: its other formats are open doors.
// Dimensions are limited by check_jpeg's count of pixels; 65535 is all that a JPEG header can say.
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_MAX_DIMENSIONS 65535
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image.h>
#include <stb/stb_image_write.h>
#pragma GCC diagnostic pop

namespace weft {

namespace {

using Decoder = std::unique_ptr<stbi__jpeg>;

Decoder new_decoder() {
  auto decoder = std::make_unique<stbi__jpeg>();
  stbi__setup_jpeg(decoder.get());
  return decoder;
}

const auto ycbcr_to_rgba = new_decoder() -> YCbCr_to_RGB_kernel;

// stb converts colours with vector instructions only where it writes four channels; its loop for three gives the same
// bytes, six times slower. So a piece of a row becomes four channels, and the fourth is dropped while the piece is in
// L1.
void ycbcr_to_rgb(stbi_uc* rgb, const stbi_uc* y, const stbi_uc* cb, const stbi_uc* cr, int count, int /*channels*/) {
  constexpr int piece = 256;
  stbi_uc rgba[4 * piece];
  for (int x = 0; x < count; x += piece) {
    const int pixels = std::min(piece, count - x);
    ycbcr_to_rgba(rgba, y + x, cb + x, cr + x, pixels, 4);
    for (int i = 0; i < pixels; ++i) std::memcpy(rgb + 3 * (x + i), rgba + 4 * i, 3);
  }
}

}  // namespace

Image decode_jpeg(Bytes file, std::string_view name) {
  WEFT_CHECK(file.size() <= INT_MAX, "{}: a JPEG of {} bytes is too large", name, file.size());
  // What stbi_load_from_memory does, but with a conversion of our own.
  stbi__context source;
  stbi__start_mem(&source, file.data(), static_cast<int>(file.size()));
  WEFT_CHECK(stbi__jpeg_test(&source), "{}: corrupt JPEG: unknown image type", name);
  const Decoder decoder = new_decoder();
  decoder->s = &source;
  decoder->YCbCr_to_RGB_kernel = ycbcr_to_rgb;
  int width = 0, height = 0, components = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      load_jpeg_image(decoder.get(), &width, &height, &components, 3), stbi_image_free);
  WEFT_CHECK(pixels, "{}: corrupt JPEG: {}", name, stbi_failure_reason());
  Image image;
  image.width = width;
  image.height = height;
  image.channels = 3;
  image.pixels.assign(pixels.get(),
                      pixels.get() + static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
  return image;
}

std::string encode_jpeg(const Image& image, int quality) {
  WEFT_CHECK(image.channels == 1 || image.channels == 3, "[encode_jpeg] expected 1 or 3 channels, got {}",
             image.channels);
  WEFT_CHECK(quality >= 1 && quality <= 100, "[encode_jpeg] expected a quality of 1 to 100, got {}", quality);
  std::string file;
  const auto append = [](void* context, void* data, int size) {
    static_cast<std::string*>(context)->append(static_cast<const char*>(data), static_cast<std::size_t>(size));
  };
  const bool is_written = stbi_write_jpg_to_func(append, &file, image.width, image.height, image.channels,
                                                 image.pixels.data(), quality) != 0;
  WEFT_CHECK(is_written, "[encode_jpeg] cannot encode {} x {}", image.width, image.height);
  return file;
}

}  // namespace weft
