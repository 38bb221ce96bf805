#pragma once
// HEIC and AVIF files by libheif's own encoders, where it has them.

#include <libheif/heif.h>

#include <cstring>
#include <optional>
#include <string>

#include "data/image.h"

namespace weft::heif {

struct Kind {
  heif_compression_format format = heif_compression_HEVC;
  std::string profile = "";                                              // ICC
  heif_color_primaries primaries = heif_color_primaries_ITU_R_BT_709_5;  // named by number where there is no profile
};

/// RGB or RGBA at quality 90; nothing where this libheif can't encode the format.
inline std::optional<std::string> write(const Image& image, const Kind& kind = {}) {
  heif_context* context = heif_context_alloc();
  heif_encoder* encoder = nullptr;
  std::optional<std::string> file;
  if (heif_context_get_encoder_for_format(context, kind.format, &encoder).code == heif_error_Ok) {
    heif_encoder_set_lossy_quality(encoder, 90);
    heif_image* picture = nullptr;
    heif_image_create(image.width, image.height, heif_colorspace_RGB,
                      image.channels == 4 ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB, &picture);
    heif_image_add_plane(picture, heif_channel_interleaved, image.width, image.height, 8);
    int stride = 0;
    std::uint8_t* plane = heif_image_get_plane(picture, heif_channel_interleaved, &stride);
    for (int y = 0; y < image.height; ++y)
      std::memcpy(plane + std::ptrdiff_t{stride} * y, image.at(y, 0),
                  static_cast<std::size_t>(image.width * image.channels));
    if (!kind.profile.empty())
      heif_image_set_raw_color_profile(picture, "prof", kind.profile.data(), kind.profile.size());
    heif_color_profile_nclx* numbers = heif_nclx_color_profile_alloc();
    heif_nclx_color_profile_set_color_primaries(numbers, static_cast<uint16_t>(kind.primaries));
    if (kind.profile.empty()) heif_image_set_nclx_color_profile(picture, numbers);
    heif_encoding_options* options = heif_encoding_options_alloc();
    options->macOS_compatibility_workaround_no_nclx_profile = 0;
    heif_image_handle* handle = nullptr;
    if (heif_context_encode_image(context, picture, encoder, options, &handle).code == heif_error_Ok) {
      heif_image_handle_release(handle);
      std::string bytes;
      heif_writer writer{1, [](heif_context*, const void* data, size_t size, void* into) {
                           static_cast<std::string*>(into)->append(static_cast<const char*>(data), size);
                           return heif_error{heif_error_Ok, heif_suberror_Unspecified, ""};
                         }};
      if (heif_context_write(context, &writer, &bytes).code == heif_error_Ok) file = bytes;
    }
    heif_encoding_options_free(options);
    heif_nclx_color_profile_free(numbers);
    heif_image_release(picture);
    heif_encoder_release(encoder);
  }
  heif_context_free(context);
  return file;
}

}  // namespace weft::heif
