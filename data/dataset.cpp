#include "data/dataset.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "core/check.h"
#include "core/formats/printable.h"
#include "core/listed_error.h"
#include "core/random.h"
#include "data/image_io.h"
#include "data/picture_format.h"
#include "data/read_file.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_list_bytes = std::size_t{64} << 20;
constexpr std::size_t max_path = 400;  // bytes of a message

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

std::string lower_case(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

/// Names and what they stand for: found to the letter, or, where none is, in any case.
template <class Value>
class NameIndex {
 public:
  /// False where the name is there already; the first value stays.
  bool add(const std::string& name, Value value) {
    if (!exact_.emplace(name, std::move(value)).second) return false;
    any_case_[lower_case(name)].push_back(name);
    return true;
  }
  /// nullptr where there is none. Throws Error where several differ in their case alone, and none is `name`.
  const Value* find(const std::string& name) const {
    if (const auto found = exact_.find(name); found != exact_.end()) return &found->second;
    const auto found = any_case_.find(lower_case(name));
    if (found == any_case_.end()) return nullptr;
    WEFT_CHECK(found->second.size() == 1, "'{}' could be '{}' or '{}'", printable(name), printable(found->second[0]),
               printable(found->second[1]));
    return &exact_.at(found->second[0]);
  }
  const std::map<std::string, Value>& by_name() const { return exact_; }

 private:
  std::map<std::string, Value> exact_;
  std::map<std::string, std::vector<std::string>> any_case_;
};

/// The files of a folder by name; those that begin with a dot, and folders, are not looked at.
std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    std::error_code ignored;  // a link to nowhere is no file
    if (!entry.path().filename().string().starts_with('.') && entry.is_regular_file(ignored))
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// The pictures and masks of a data set as its folders hold them.
class Folders {
 public:
  Folders(const DatasetFolders& f, std::vector<std::string>& problems)
      : rules_(f.mask_rules),
        images_(find_folder(f.root, f.images, {"JPEGImages"}, "images")),
        mask_folder_(find_folder(f.root, f.masks, {"SegmentationClassAug", "SegmentationClass"}, "masks")),
        problems_(problems) {
    for (const fs::path& file : files_in(mask_folder_)) masks_.add(file.filename().string(), file);
    const bool share_a_folder = fs::equivalent(images_, mask_folder_);
    for (const fs::path& file : files_in(images_)) {
      if (!is_picture_name(file) || (share_a_folder && is_mask_name(file))) continue;
      const std::string stem = file.stem().string();
      if (!pictures_.add(stem, file)) {
        problems_.push_back(fmt::format("{}: {} has the same stem", printable(file.string(), max_path),
                                        printable(pictures_.find(stem)->filename().string())));
      }
    }
  }

  const fs::path& images() const { return images_; }
  const NameIndex<fs::path>& pictures() const { return pictures_; }

  /// The picture and its mask; nothing where there is none, which becomes a problem.
  std::optional<SampleFiles> sample(const std::string& stem, const fs::path& picture) const {
    const auto name_with = [&](const std::string& extension) { return stem + rules_.suffix + "." + extension; };
    try {
      if (!rules_.extension.empty()) {
        if (const fs::path* mask = masks_.find(name_with(rules_.extension))) return SampleFiles{stem, picture, *mask};
      } else {
        for (const char* extension : {"png", "bmp", "gif", "tga", "webp", "tif", "tiff", "jpg", "jpeg"}) {
          if (const fs::path* mask = masks_.find(name_with(extension))) return SampleFiles{stem, picture, *mask};
        }
      }
    } catch (const Error& error) {
      problems_.push_back(fmt::format("{}: its mask {}", printable(picture.string(), max_path), error.what()));
      return std::nullopt;
    }
    problems_.push_back(fmt::format(
        "{}: has no mask {}", printable(picture.string(), max_path),
        printable((mask_folder_ / name_with(rules_.extension.empty() ? "png" : rules_.extension)).string(), max_path)));
    return std::nullopt;
  }

 private:
  /// Of pictures and masks in one folder the suffix tells the masks, or else the ending.
  bool is_mask_name(const fs::path& file) const {
    if (!rules_.suffix.empty()) return lower_case(file.stem().string()).ends_with(lower_case(rules_.suffix));
    return lower_case(file.extension().string()) ==
           "." + (rules_.extension.empty() ? "png" : lower_case(rules_.extension));
  }

  const MaskRules rules_;
  const fs::path images_, mask_folder_;
  std::vector<std::string>& problems_;
  NameIndex<fs::path> pictures_, masks_;  // pictures by stem, masks by the file's name
};

/// Adds the problems of one data set to those that the caller collects, or throws them.
void pass_on(std::vector<std::string> found, std::vector<std::string>* problems, const fs::path& where) {
  if (problems != nullptr) {
    problems->insert(problems->end(), found.begin(), found.end());
  } else {
    const std::size_t count = found.size();
    throw_listed(std::move(found), fmt::format("{}: {} pictures can't be used", where.string(), count));
  }
}

}  // namespace

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

Dataset::Dataset(const DatasetFolders& f, const LabelMap& labels, std::vector<std::string>* problems)
    : labels_(labels), mask_threshold_(f.mask_rules.threshold) {
  std::vector<std::string> found;
  const Folders folders(f, found);
  WEFT_CHECK(!folders.pictures().by_name().empty(), "{}: no pictures (.jpg, .png, .webp, .heic, ...)",
             folders.images().string());
  for (const auto& [stem, picture] : folders.pictures().by_name()) {
    if (auto sample = folders.sample(stem, picture)) samples_.push_back(std::move(*sample));
  }
  pass_on(std::move(found), problems, folders.images());
}

Dataset::Dataset(const DatasetFolders& f, const LabelMap& labels, const fs::path& list,
                 std::vector<std::string>* problems)
    : labels_(labels), mask_threshold_(f.mask_rules.threshold) {
  std::vector<std::string> found;
  const Folders folders(f, found);
  for (const std::string& stem : read_list(list)) {
    try {
      const fs::path* picture = folders.pictures().find(stem);
      WEFT_CHECK(picture != nullptr, "'{}' has no picture in {}{}", printable(stem), folders.images().string(),
                 is_picture_name(stem) ? "; a list names pictures without their extension" : "");
      if (auto sample = folders.sample(stem, *picture)) samples_.push_back(std::move(*sample));
    } catch (const Error& error) {
      found.push_back(fmt::format("{}: {}", list.string(), error.what()));
    }
  }
  pass_on(std::move(found), problems, list);
}

std::string size_mismatch(const SampleFiles& files, const Image& mask, const PictureSize& picture) {
  const bool fits_turned = mask.width == picture.height && mask.height == picture.width;
  return fmt::format(
      "{}: the mask is {} x {}, its picture {} is {} x {}{}", printable(files.mask.string(), max_path), mask.width,
      mask.height, printable(files.picture.string(), max_path), picture.width, picture.height,
      !fits_turned        ? ""
      : picture.is_turned ? "; it fits the picture as it is stored, before the turn that its EXIF asks for: "
                            "turn the mask likewise"
                          : "; they lie crosswise");
}

Sample Dataset::load(std::size_t i) const {
  const SampleFiles& file = samples_[i];
  Sample sample{load_image(file.picture), {}, load_mask_ids(i)};
  const Image &picture = sample.picture, &ids = sample.ids;
  if (ids.width != picture.width || ids.height != picture.height) {
    const bool is_turned = picture_size(file.picture).is_turned;
    throw Error(size_mismatch(file, ids, {picture.width, picture.height, is_turned}));
  }
  sample.clothing = labels_.clothing(sample.ids, file.mask.string());
  return sample;
}

Dataset Dataset::subset(const std::vector<std::size_t>& indices) const {
  std::vector<SampleFiles> chosen;
  for (const std::size_t i : indices) chosen.push_back(samples_.at(i));
  return {std::move(chosen), labels_, mask_threshold_};
}

Dataset::Split Dataset::split(double fraction, std::uint64_t seed) const {
  WEFT_CHECK(fraction >= 0 && fraction < 1, "expected a validation fraction of at least 0 and below 1, got {}",
             fraction);
  std::vector<std::pair<double, std::size_t>> draws;
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    draws.emplace_back(Random(seed, {hash_text(samples_[i].stem)}).uniform(), i);
  }
  std::sort(draws.begin(), draws.end());
  auto held_out = static_cast<std::size_t>(std::llround(fraction * static_cast<double>(size())));
  if (fraction > 0) {
    WEFT_CHECK(size() >= 2, "a data set of {} can't be split; give --val-list, or --val-fraction 0", size());
    held_out = std::clamp<std::size_t>(held_out, 1, size() - 1);
  }
  std::vector<bool> is_held_out(size(), false);
  for (std::size_t k = 0; k < held_out; ++k) is_held_out[draws[k].second] = true;
  std::vector<SampleFiles> train, validation;
  for (std::size_t i = 0; i < size(); ++i) (is_held_out[i] ? validation : train).push_back(samples_[i]);
  return {Dataset(std::move(train), labels_, mask_threshold_),
          Dataset(std::move(validation), labels_, mask_threshold_)};
}

}  // namespace weft
