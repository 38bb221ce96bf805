#pragma once
// What infer_unet writes for a picture.

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "data/image.h"
#include "models/predict.h"

namespace weft::tools {

/// "mask", "overlay", "cutout", "panel", "prob", "logits": the kinds of output, and the middle of their files' names.
const std::vector<std::string>& output_kinds();
/// "photo.mask.png", "photo.logits.npy"
std::string output_name(const std::string& stem, const std::string& kind);
/// True for names that output_name() makes: they are passed over when a folder is listed.
bool is_output_name(const std::string& file_name);

/// Writes one kind of output to `path`; `mask` is where the probabilities reach `threshold`. Throws Error where it
/// can't be written.
void write_output(const std::string& kind, const std::filesystem::path& path, const Image& photograph,
                  const Prediction& prediction, const std::vector<float>& probabilities, const Image& mask,
                  double threshold);

/// The pictures that the paths name: files as given, folders by their .jpg, .jpeg and .png files in order of name.
/// Throws Error: a folder without pictures, two pictures whose outputs would have one name.
std::vector<std::filesystem::path> list_pictures(const std::vector<std::string>& paths);

}  // namespace weft::tools
