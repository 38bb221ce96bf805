#include "data/dataset.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "core/check.h"
#include "core/formats/printable.h"
#include "core/random.h"
#include "data/image_io.h"
#include "data/read_file.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_list_bytes = std::size_t{64} << 20;

/// The folder that is given, or the first of `candidates` that exists.
fs::path find_folder(const fs::path& root, const std::string& given, std::initializer_list<const char*> candidates,
                     const char* what) {
  WEFT_CHECK(fs::is_directory(root), "{}: no such folder", root.string());
  if (!given.empty()) {
    WEFT_CHECK(fs::is_directory(root / given), "{}: no such folder", (root / given).string());
    return root / given;
  }
  std::string names;
  for (const char* name : candidates) {
    if (fs::is_directory(root / name)) return root / name;
    names += fmt::format("{}{}/", names.empty() ? "" : " or ", name);
  }
  fail("{}: expected a folder {} with the {}; name another with --{}", root.string(), names, what, what);
}

/// Pictures by stem. Throws Error where two files share one.
std::map<std::string, fs::path> pictures_in(const fs::path& folder) {
  std::map<std::string, fs::path> pictures;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (!is_picture_name(entry.path())) continue;
    const auto [found, is_new] = pictures.emplace(entry.path().stem().string(), entry.path());
    WEFT_CHECK(is_new, "{}: {} has the same stem", entry.path().string(), found->second.filename().string());
  }
  return pictures;
}

struct Folders {
  explicit Folders(const DatasetFolders& f)
      : images(find_folder(f.root, f.images, {"JPEGImages"}, "images")),
        masks(find_folder(f.root, f.masks, {"SegmentationClassAug", "SegmentationClass"}, "masks")) {}
  fs::path images, masks;

  SampleFiles sample(const std::string& stem, const fs::path& picture) const {
    const fs::path mask = masks / (stem + ".png");
    WEFT_CHECK(fs::exists(mask), "{}: has no mask {}", picture.string(), mask.string());
    return {stem, picture, mask};
  }
};

}  // namespace

bool is_picture_name(const fs::path& file) {
  std::string extension = file.extension().string();
  for (char& c : extension) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

std::vector<std::string> read_list(const fs::path& list) {
  return parse_list(read_file(list, max_list_bytes), list.string());
}

std::vector<std::string> parse_list(Bytes bytes, const std::string& name) {
  std::vector<std::string> stems;
  std::set<std::string> seen;
  constexpr std::array<std::uint8_t, 3> byte_order_mark{0xEF, 0xBB, 0xBF};  // some editors begin UTF-8 files with it
  const bool is_marked = bytes.size() >= 3 && std::equal(byte_order_mark.begin(), byte_order_mark.end(), bytes.begin());
  auto position = bytes.begin() + (is_marked ? 3 : 0);
  while (position != bytes.end()) {
    const auto end = std::find(position, bytes.end(), '\n');
    std::string stem(position, end);
    position = end == bytes.end() ? end : end + 1;
    while (!stem.empty() && (stem.back() == '\r' || stem.back() == ' ' || stem.back() == '\t')) stem.pop_back();
    if (stem.empty()) continue;
    const bool is_plain =
        stem.find_first_of(std::string("/\\\0", 3)) == std::string::npos && stem != "." && stem != "..";
    WEFT_CHECK(is_plain, "{}: '{}' is not a stem: it leaves the folder", name, printable(stem));
    WEFT_CHECK(seen.insert(stem).second, "{}: '{}' occurs twice", name, printable(stem));
    stems.push_back(std::move(stem));
  }
  WEFT_CHECK(!stems.empty(), "{}: the list is empty", name);
  return stems;
}

Dataset::Dataset(const DatasetFolders& f, const LabelMap& labels) : labels_(labels) {
  const Folders folders(f);
  for (const auto& [stem, picture] : pictures_in(folders.images)) samples_.push_back(folders.sample(stem, picture));
  WEFT_CHECK(!samples_.empty(), "{}: no pictures (.jpg, .jpeg, .png)", folders.images.string());
}

Dataset::Dataset(const DatasetFolders& f, const LabelMap& labels, const fs::path& list) : labels_(labels) {
  const Folders folders(f);
  const auto pictures = pictures_in(folders.images);
  for (const std::string& stem : read_list(list)) {
    const auto found = pictures.find(stem);
    WEFT_CHECK(found != pictures.end(), "{}: '{}' has no picture in {}{}", list.string(), printable(stem), folders.images.string(),
               is_picture_name(stem) ? "; a list names pictures without their extension" : "");
    samples_.push_back(folders.sample(stem, found->second));
  }
}

Sample Dataset::load(std::size_t i) const {
  const SampleFiles& file = samples_[i];
  Sample sample{load_image(file.picture), {}, load_label_mask(file.mask)};
  const Image &picture = sample.picture, &ids = sample.ids;
  const bool is_turned = ids.width == picture.height && ids.height == picture.width;
  WEFT_CHECK(ids.width == picture.width && ids.height == picture.height,
             "{}: the mask is {} x {}, its picture {} is {} x {}{}", file.mask.string(), ids.width, ids.height,
             file.picture.string(), picture.width, picture.height,
             is_turned ? "; was it drawn without the picture's EXIF orientation?" : "");
  sample.clothing = labels_.clothing(sample.ids, file.mask.string());
  return sample;
}

Dataset::Split Dataset::split(double fraction, std::uint64_t seed) const {
  WEFT_CHECK(fraction >= 0 && fraction < 1, "expected a validation fraction of at least 0 and below 1, got {}",
             fraction);
  std::vector<std::pair<double, std::size_t>> draws;
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    draws.emplace_back(Random(seed, {hash_text(samples_[i].stem)}).uniform(), i);
  }
  std::sort(draws.begin(), draws.end());
  std::size_t held_out = 0;
  while (held_out < draws.size() && draws[held_out].first < fraction) ++held_out;
  if (fraction > 0) {
    WEFT_CHECK(size() >= 2, "a data set of {} can't be split; give --val-list, or --val-fraction 0", size());
    held_out = std::clamp<std::size_t>(held_out, 1, size() - 1);
  }
  std::vector<bool> is_held_out(size(), false);
  for (std::size_t k = 0; k < held_out; ++k) is_held_out[draws[k].second] = true;
  std::vector<SampleFiles> train, validation;
  for (std::size_t i = 0; i < size(); ++i) (is_held_out[i] ? validation : train).push_back(samples_[i]);
  return {Dataset(std::move(train), labels_), Dataset(std::move(validation), labels_)};
}

}  // namespace weft
