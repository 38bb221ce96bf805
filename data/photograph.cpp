#include "data/photograph.h"

#include <utility>

#include "core/check.h"
#include "data/colour.h"
#include "data/exif.h"
#include "data/heif_codec.h"
#include "data/jpeg_codec.h"
#include "data/picture_format.h"
#include "data/png_codec.h"
#include "data/pnm_codec.h"
#include "data/read_file.h"
#include "data/resize.h"
#include "data/stb_codec.h"
#include "data/webp_codec.h"

namespace weft {

namespace {

DecodedPicture decode(Bytes file, std::string_view name, const DecodeOptions& options) {
  switch (picture_format(file, name)) {
    case PictureFormat::jpeg:
      return decode_jpeg(file, name, options);
    case PictureFormat::png:
      return decode_png(file, name, options);
    case PictureFormat::webp:
      return decode_webp(file, name, options);
    case PictureFormat::heif:
      return decode_heif(file, name, options);
    case PictureFormat::pnm:
      return decode_pnm(file, name, options);
    default:
      return decode_stb(file, name, options);
  }
}

/// RGB or RGBA; a profile is left where it describes these.
Image to_rgb(DecodedPicture& picture) {
  if (picture.samples == Samples::grey) return grey_to_srgb(picture.image, std::exchange(picture.profile, ""));
  if (picture.samples == Samples::cmyk) return cmyk_to_srgb(picture.image, std::exchange(picture.profile, ""));
  if (!picture.profile.empty() && profile_channels(picture.profile) != 3) picture.profile.clear();
  return std::move(picture.image);
}

}  // namespace

Photograph decode_photograph(Bytes file, std::string_view name, const PhotographOptions& options) {
  const DecodeOptions decoding{.max_pixels = options.max_pixels, .reduction = options.reduction};
  DecodedPicture picture = decode(file, name, decoding);
  Photograph photograph;
  const bool is_turned = picture.orientation >= 5;
  photograph.width = is_turned ? picture.height : picture.width;
  photograph.height = is_turned ? picture.width : picture.height;
  photograph.extras.density = is_turned ? Density{picture.density.y, picture.density.x} : picture.density;
  Image rgb = to_rgb(picture);
  photograph.extras.profile = std::move(picture.profile);
  const bool is_whole = rgb.width == picture.width && rgb.height == picture.height;
  const int divisor = options.reduction && is_whole ? options.reduction(photograph.width, photograph.height) : 1;
  if (divisor > 1) rgb = shrink(rgb, divisor);
  photograph.image = apply_orientation(std::move(rgb), picture.orientation);
  return photograph;
}

Photograph load_photograph(const std::filesystem::path& path, const PhotographOptions& options) {
  return decode_photograph(read_file(path), path.string(), options);
}

Image as_seen(Photograph photograph) {
  to_srgb(photograph.image, photograph.extras.profile);
  if (photograph.image.channels == 3) return std::move(photograph.image);
  return on_colour(photograph.image, {255, 255, 255});
}

Image on_colour(const Image& rgba, std::array<std::uint8_t, 3> background) {
  WEFT_CHECK(rgba.channels == 4, "[on_colour] expected RGBA, got {} channels", rgba.channels);
  Image rgb(rgba.width, rgba.height, 3);
  const std::uint8_t* in = rgba.pixels.data();
  for (auto out = rgb.pixels.begin(); out != rgb.pixels.end(); out += 3, in += 4) {
    for (int c = 0; c < 3; ++c) {
      const int behind = background[static_cast<std::size_t>(c)];
      out[c] = static_cast<std::uint8_t>((in[c] * in[3] + behind * (255 - in[3]) + 127) / 255);
    }
  }
  return rgb;
}

}  // namespace weft
