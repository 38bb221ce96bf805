#include "data/heif_codec.h"

#include <dlfcn.h>
#include <libheif/heif.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "core/check.h"
#include "core/formats/printable.h"
#include "data/colour.h"
#include "data/heif_references.h"

namespace weft {

namespace {

constexpr const char* library_file = "libheif.so.1";
constexpr int longest_padding = 1024;

/// The functions of libheif that weft calls.
struct Library {
  template <class Function>
  static Function* find(void* library, const char* name) {
    void* symbol = ::dlsym(library, name);
    WEFT_CHECK(symbol != nullptr, "{} has no function {}: it is older than weft was built for", library_file, name);
    return reinterpret_cast<Function*>(symbol);
  }

#define WEFT_HEIF(function) decltype(::function)* function = find<decltype(::function)>(library, #function)
  explicit Library(void* library_) : library(library_) {}
  void* library;
  WEFT_HEIF(heif_context_alloc);
  WEFT_HEIF(heif_context_free);
  WEFT_HEIF(heif_context_read_from_memory_without_copy);
  WEFT_HEIF(heif_context_get_primary_image_handle);
  WEFT_HEIF(heif_context_set_maximum_image_size_limit);
  WEFT_HEIF(heif_image_handle_release);
  WEFT_HEIF(heif_image_handle_get_width);
  WEFT_HEIF(heif_image_handle_get_height);
  WEFT_HEIF(heif_image_handle_has_alpha_channel);
  WEFT_HEIF(heif_image_handle_is_premultiplied_alpha);
  WEFT_HEIF(heif_image_handle_get_raw_color_profile_size);
  WEFT_HEIF(heif_image_handle_get_raw_color_profile);
  WEFT_HEIF(heif_image_handle_get_nclx_color_profile);
  WEFT_HEIF(heif_nclx_color_profile_free);
  WEFT_HEIF(heif_decoding_options_alloc);
  WEFT_HEIF(heif_decoding_options_free);
  WEFT_HEIF(heif_decode_image);
  WEFT_HEIF(heif_image_release);
  WEFT_HEIF(heif_image_get_width);
  WEFT_HEIF(heif_image_get_height);
  WEFT_HEIF(heif_image_get_plane_readonly);
#undef WEFT_HEIF
};

const Library& library(std::string_view name) {
  static void* const handle = ::dlopen(library_file, RTLD_NOW | RTLD_LOCAL);
  WEFT_CHECK(handle != nullptr, "{}: HEIC and AVIF need {}, which is not installed (Debian: apt install libheif1)",
             name, library_file);
  static const Library functions(handle);
  return functions;
}

void check(const heif_error& error, std::string_view name) {
  if (error.code == heif_error_Ok) return;
  if (error.code == heif_error_Memory_allocation_error && error.subcode == heif_suberror_Unspecified)
    throw std::bad_alloc();
  const std::string message = printable(error.message != nullptr ? error.message : "unknown error", 200);
  const bool is_cut = error.subcode == heif_suberror_End_of_data;
  fail("{}: {} HEIC or AVIF: {}", name, is_cut ? "truncated" : "corrupt or unsupported", message);
}

template <class T>
using Owned = std::unique_ptr<T, void (*)(T*)>;

/// The ICC profile, or one made from the numbers that stand for one (ISO 23091-2).
std::string profile_of(const Library& heif, const heif_image_handle* handle) {
  std::string profile(heif.heif_image_handle_get_raw_color_profile_size(handle), '\0');
  if (!profile.empty() && heif.heif_image_handle_get_raw_color_profile(handle, profile.data()).code == heif_error_Ok)
    return profile;
  heif_color_profile_nclx* numbers = nullptr;
  if (heif.heif_image_handle_get_nclx_color_profile(handle, &numbers).code != heif_error_Ok || numbers == nullptr)
    return "";
  const auto primaries = numbers->color_primaries;
  heif.heif_nclx_color_profile_free(numbers);
  if (primaries == heif_color_primaries_SMPTE_EG_432_1) return rgb_profile(display_p3_primaries);
  if (primaries == heif_color_primaries_ITU_R_BT_2020_2_and_2100_0) return rgb_profile(bt2020_primaries);
  return "";
}

void divide_by_alpha(Image& image) {
  for (std::size_t i = 0; i < image.pixels.size(); i += 4) {
    const int alpha = image.pixels[i + 3];
    for (std::size_t c = 0; c < 3 && alpha > 0; ++c) {
      image.pixels[i + c] = static_cast<std::uint8_t>(std::min(255, (image.pixels[i + c] * 255 + alpha / 2) / alpha));
    }
  }
}

}  // namespace

DecodedPicture decode_heif(Bytes file, std::string_view name, const DecodeOptions& options) {
  const Library& heif = library(name);
  check_heif_references(file, name);
  const Owned<heif_context> context(heif.heif_context_alloc(), heif.heif_context_free);
  check(heif.heif_context_read_from_memory_without_copy(context.get(), file.data(), file.size(), nullptr), name);
  heif_image_handle* primary = nullptr;
  check(heif.heif_context_get_primary_image_handle(context.get(), &primary), name);
  const Owned<const heif_image_handle> handle(primary, heif.heif_image_handle_release);
  check_size(heif.heif_image_handle_get_width(primary), heif.heif_image_handle_get_height(primary), file.size(),
             options.max_pixels, name);

  // What a picture is put together from has sizes of its own in the file, and memory is taken by those: a grid of
  // 27,000 x 26,000 in a picture of 300 x 200. None may be longer than the picture, but for a codec's padding of a
  // tile.
  const int longest = std::max(heif.heif_image_handle_get_width(primary), heif.heif_image_handle_get_height(primary));
  heif.heif_context_set_maximum_image_size_limit(context.get(), longest + longest_padding);

  const bool has_alpha = heif.heif_image_handle_has_alpha_channel(primary) != 0;
  const Owned<heif_decoding_options> decoding(heif.heif_decoding_options_alloc(), heif.heif_decoding_options_free);
  if (!decoding) throw std::bad_alloc();
  decoding->convert_hdr_to_8bit = 1;
  decoding->strict_decoding = 1;
  heif_image* decoded = nullptr;
  check(heif.heif_decode_image(primary, &decoded, heif_colorspace_RGB,
                               has_alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB, decoding.get()),
        name);
  const Owned<const heif_image> image(decoded, heif.heif_image_release);
  int stride = 0;
  const std::uint8_t* plane = heif.heif_image_get_plane_readonly(decoded, heif_channel_interleaved, &stride);
  const int width = heif.heif_image_get_width(decoded, heif_channel_interleaved);
  const int height = heif.heif_image_get_height(decoded, heif_channel_interleaved);
  WEFT_CHECK(plane != nullptr, "{}: corrupt HEIC or AVIF: it has no pixels", name);
  check_size(width, height, file.size(), options.max_pixels, name);

  DecodedPicture picture;
  picture.width = width;
  picture.height = height;
  picture.samples = has_alpha ? Samples::rgba : Samples::rgb;
  picture.image = Image(width, height, has_alpha ? 4 : 3);
  const std::size_t row_bytes = static_cast<std::size_t>(width) * static_cast<std::size_t>(picture.image.channels);
  for (int y = 0; y < height; ++y) std::memcpy(picture.image.at(y, 0), plane + std::ptrdiff_t{stride} * y, row_bytes);
  if (has_alpha && heif.heif_image_handle_is_premultiplied_alpha(primary) != 0) divide_by_alpha(picture.image);
  picture.profile = profile_of(heif, primary);
  return picture;
}

}  // namespace weft
