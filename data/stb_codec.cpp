#include "data/stb_codec.h"

#include <algorithm>
#include <climits>
#include <cstring>
#include <memory>

#include "core/check.h"

// The one place that compiles stb.
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_BMP
#define STBI_ONLY_GIF
#define STBI_ONLY_TGA
#define STBI_ONLY_PSD
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"
// Colours of a PSD that are all but transparent may leave 0 to 255 where the white under them is taken away, and are
// then cast as they are. Nobody sees which they become.
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("float-cast-overflow"))), apply_to = function)
#endif
#include <stb/stb_image.h>
#ifdef __clang__
#pragma clang attribute pop
#endif
#pragma GCC diagnostic pop

namespace weft {

namespace {

/// Hands the file out and notes where more was asked for than it has.
struct Source {
  Bytes file;
  std::size_t at = 0;
  bool is_cut = false;

  static int read(void* user, char* data, int size) {
    Source& source = *static_cast<Source*>(user);
    const std::size_t count = std::min(static_cast<std::size_t>(size), source.file.size() - source.at);
    if (count > 0) std::memcpy(data, source.file.data() + source.at, count);
    source.at += count;
    if (count == 0 && size > 0) source.is_cut = true;
    return static_cast<int>(count);
  }
  static void skip(void* user, int count) {
    Source& source = *static_cast<Source*>(user);
    const std::int64_t target = static_cast<std::int64_t>(source.at) + count;
    const auto size = static_cast<std::int64_t>(source.file.size());
    if (target > size) source.is_cut = true;
    source.at = static_cast<std::size_t>(std::clamp<std::int64_t>(target, 0, size));
  }
  static int eof(void* user) {
    const Source& source = *static_cast<Source*>(user);
    return source.at >= source.file.size() ? 1 : 0;
  }
};

constexpr stbi_io_callbacks callbacks{Source::read, Source::skip, Source::eof};

}  // namespace

DecodedPicture decode_stb(Bytes file, std::string_view name, const DecodeOptions& options) {
  DecodedPicture picture;
  int channels = 0;
  Source header{file};
  const bool has_header =
      stbi_info_from_callbacks(&callbacks, &header, &picture.width, &picture.height, &channels) != 0;
  if (!has_header) {
    fail("{}: {} picture: {}", name, header.is_cut ? "truncated" : "corrupt or unsupported",
         stbi_failure_reason() != nullptr ? stbi_failure_reason() : "unknown header");
  }
  check_size(picture.width, picture.height, file.size(), options.max_pixels, name);

  Source source{file};
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_callbacks(&callbacks, &source, &picture.width, &picture.height, &channels, 0), stbi_image_free);
  WEFT_CHECK(!source.is_cut, "{}: truncated picture: its data end too early", name);
  WEFT_CHECK(pixels, "{}: corrupt or unsupported picture: {}", name, stbi_failure_reason());
  const std::size_t count = static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.height);
  const int kept = channels == 2 ? 4 : channels;
  picture.samples = kept == 1 ? Samples::grey : kept == 3 ? Samples::rgb : Samples::rgba;
  picture.image = Image(picture.width, picture.height, kept);
  if (channels != 2) {
    std::copy_n(pixels.get(), count * static_cast<std::size_t>(channels), picture.image.pixels.begin());
    return picture;
  }
  for (std::size_t i = 0; i < count; ++i) {  // grey and alpha
    std::fill_n(&picture.image.pixels[4 * i], 3, pixels.get()[2 * i]);
    picture.image.pixels[4 * i + 3] = pixels.get()[2 * i + 1];
  }
  return picture;
}

}  // namespace weft
