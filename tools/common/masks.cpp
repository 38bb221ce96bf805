#include "tools/common/masks.h"

#include <algorithm>
#include <map>

#include "core/formats/npy.h"
#include "data/dataset.h"
#include "data/image_io.h"
#include "data/render.h"

namespace weft::tools {

namespace fs = std::filesystem;

const std::vector<std::string>& output_kinds() {
  static const std::vector<std::string> kinds = {"mask", "overlay", "cutout", "panel", "prob", "logits"};
  return kinds;
}

std::string output_name(const std::string& stem, const std::string& kind) {
  return stem + "." + kind + (kind == "logits" ? ".npy" : ".png");
}

bool is_output_name(const std::string& file_name) {
  return std::any_of(output_kinds().begin(), output_kinds().end(),
                     [&](const std::string& kind) { return file_name.ends_with(output_name("", kind)); });
}

void write_output(const std::string& kind, const fs::path& path, const Image& photograph, const Prediction& prediction,
                  const std::vector<float>& probabilities, const Image& mask, double threshold) {
  const int width = photograph.width, height = photograph.height;
  if (kind == "logits") {
    const std::int64_t shape[] = {prediction.placement.canvas_height, prediction.placement.canvas_width};
    save_npy(path, shape, prediction.canvas_logits.values<float>());
    return;
  }
  if (kind == "prob") return save_png(path, render_probability(probabilities, width, height));
  if (kind == "cutout") return save_png(path, render_cutout(photograph, probabilities, threshold));
  if (kind == "mask") return save_png(path, render_mask(mask));
  if (kind == "overlay") return save_png(path, render_overlay(photograph, mask));
  const Image parts[] = {photograph, render_mask(mask), render_overlay(photograph, mask)};
  save_png(path, side_by_side(parts));
}

std::vector<fs::path> list_pictures(const std::vector<std::string>& paths) {
  std::vector<fs::path> pictures;
  for (const fs::path path : paths) {
    if (!fs::is_directory(path)) {
      pictures.push_back(path);  // a file that is missing is named when its turn comes
      continue;
    }
    const auto first = static_cast<std::ptrdiff_t>(pictures.size());
    for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
      if (is_picture_name(entry.path()) && !is_output_name(entry.path().filename().string()))
        pictures.push_back(entry.path());
    }
    WEFT_CHECK(static_cast<std::ptrdiff_t>(pictures.size()) > first, "{}: no pictures (.jpg, .jpeg, .png)",
               path.string());
    std::sort(pictures.begin() + first, pictures.end());
  }
  std::map<std::string, fs::path> by_stem;
  for (const fs::path& picture : pictures) {
    const auto [other, is_new] = by_stem.emplace(picture.stem().string(), picture);
    WEFT_CHECK(is_new, "{} and {} would write the same files; run them into different folders", other->second.string(),
               picture.string());
  }
  return pictures;
}

}  // namespace weft::tools
