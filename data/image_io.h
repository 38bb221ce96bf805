#pragma once
// Pictures and label masks from files, pictures to files.
//
// Every message starts with the file's path (or the name given). A file is read into memory and told by its content.
// data/photograph.h reads a picture with its transparency, colour profile and resolution.

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/atomic_file.h"
#include "data/byte_reader.h"
#include "data/image.h"
#include "data/photograph.h"
#include "data/picture_extras.h"

namespace weft {

/// RGB, 3 channels, upright, as people see the picture: sRGB, on white.
Image decode_image(Bytes file, std::string_view name, std::int64_t max_pixels = default_max_pixels);
Image load_image(const std::filesystem::path& path, std::int64_t max_pixels = default_max_pixels);

/// Label ids, 1 channel, upright, of a PNG: data/png_codec.h tells how. Other formats are refused by name: their
/// compression or colours change ids.
Image decode_label_mask(Bytes file, std::string_view name, std::int64_t max_pixels = default_max_pixels);
Image load_label_mask(const std::filesystem::path& path, std::int64_t max_pixels = default_max_pixels);

/// Writes 1 (grey), 3 (RGB) or 4 (RGBA) channels; the file appears whole or not at all.
void save_png(const std::filesystem::path& path, const Image& image, Durability durability = Durability::kill);

enum class OutputFormat { png, jpeg, webp };
inline constexpr std::array output_formats{OutputFormat::png, OutputFormat::jpeg, OutputFormat::webp};
/// The format that a file's ending asks for (.png, .jpg, .jpeg, .webp, in any case), if any.
std::optional<OutputFormat> output_format(const std::filesystem::path& file);
/// "png", "jpg", "webp"
std::string extension_of(OutputFormat format);

/// The picture as a file of that format. PNG is exact; of the others pictures of one channel are as exact as they come
/// (WebP without loss), the rest of quality 92. Throws Error where a format can't hold it: JPEG takes no alpha.
std::string encode_picture(const Image& image, OutputFormat format, const PictureExtras& extras = {});

}  // namespace weft
