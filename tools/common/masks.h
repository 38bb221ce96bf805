#pragma once
// What infer_unet writes for a picture.

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/image.h"
#include "data/image_io.h"
#include "models/answer.h"
#include "models/predict.h"

namespace weft::tools {

/// "mask", "overlay", "cutout", "panel", "prob", "logits": the kinds of output, and the middle of their files' names.
const std::vector<std::string>& output_kinds();
/// "photo.mask.png", "photo.logits.npy"
std::string output_name(const std::string& stem, const std::string& kind, OutputFormat format = OutputFormat::png);
/// True for names that output_name() makes: they are passed over when a folder is listed.
bool is_output_name(const std::string& file_name);

/// True where an output shows the photograph itself; the others need no more of it than the network does.
bool shows_photograph(const std::string& kind);

/// A photograph on its way to its outputs.
struct Subject {
  int width = 0, height = 0;  // of the file's picture: the images may have been read at a reduced size
  Image seen;                 // sRGB, on white: what the network and people see
  std::optional<Image> own;   // in the file's colours and with its transparency, where `seen` is not that; for cut-outs
  PictureExtras extras;       // of `own`, or else of `seen`
};

/// How a photograph is to be read for these outputs: whole, or with no more pixels than `placement` asks for.
Subject read_subject(Bytes file, const std::string& name, const std::vector<std::string>& kinds,
                     std::int64_t max_pixels, const std::function<Placement(int width, int height)>& placement);

using Colour = std::array<std::uint8_t, 3>;
/// "#rrggbb", "white", "black", "grey", "red", "green" or "blue"; nothing for other texts.
std::optional<Colour> colour_from(const std::string& text);

struct EncodingOptions {
  OutputFormat format = OutputFormat::png;
  /// Under cut-outs. Without, they stay transparent, but for JPEG, which can't, and where it is white.
  std::optional<Colour> background = std::nullopt;
};

/// The file of one kind of output.
std::string encode_output(const std::string& kind, const Subject& subject, const Answer& answer,
                          const EncodingOptions& options);

/// Writes STEM.logits.npy. Throws Error where it can't be written.
void write_logits(const std::filesystem::path& path, const Placement& placement, const Tensor& canvas_logits);

}  // namespace weft::tools
