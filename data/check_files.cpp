#include "data/check_files.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <set>

#include "core/atomic_file.h"
#include "core/check.h"
#include "core/parallel.h"
#include "core/random.h"
#include "data/image_io.h"
#include "data/picture_size.h"
#include "data/prefetch.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

constexpr const char *cache_head = "weft checked 1", *cache_prefix = "checked-";

/// Place, size and time of a file, as text.
std::string state_of(const fs::path& file) {
  std::error_code gone;  // such a file is named when it is read
  const auto size = fs::file_size(file, gone);
  const auto time = fs::last_write_time(file, gone);
  return fmt::format("{} {} {}", fs::absolute(file, gone).lexically_normal().string(), size,
                     time.time_since_epoch().count());
}

/// Changes where a picture, its mask, or the meaning of what is in masks changes.
std::string fingerprint(const SampleFiles& files, const std::string& meaning) {
  return fmt::format("{:016x}", hash_text(state_of(files.picture) + "\n" + state_of(files.mask) + "\n" + meaning));
}

std::string meaning_of(const Dataset& pictures) {
  std::string text = std::to_string(pictures.mask_threshold());
  for (const LabelMap::Label& label : pictures.labels().labels()) {
    text += fmt::format(" {},{},{},{}", label.id, label.is_clothing, label.is_ignored,
                        label.colour ? static_cast<std::int64_t>(*label.colour) : -1);
  }
  return text;
}

std::set<std::string> read_cache(const fs::path& path) {
  std::set<std::string> right;
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line) || line != cache_head) return right;
  while (std::getline(file, line)) right.insert(line);
  return right;
}

/// Caches of data sets that nobody has added to for so long are forgotten with the next one that is written.
void remove_old(const fs::path& folder) {
  constexpr std::chrono::hours kept(60 * 24);
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const bool is_ours = entry.path().filename().string().starts_with(cache_prefix);
    if (is_ours && fs::file_time_type::clock::now() - entry.last_write_time(ignored) > kept)
      fs::remove(entry.path(), ignored);
  }
}

void write_cache(const fs::path& path, const std::set<std::string>& right) {
  if (path.empty()) return;
  std::error_code ignored;  // what is in the way is met by write_file
  fs::create_directories(path.parent_path(), ignored);
  remove_old(path.parent_path());
  std::string text = std::string(cache_head) + "\n";
  for (const std::string& line : right) text += line + "\n";
  try {
    write_file(path, text, Durability::kill);
  } catch (const Error&) {
    return;  // the next run looks again
  }
}

struct Finding {
  std::string problem;  // empty: none
  bool is_turned = false;
};

Finding check_sample(const Dataset& pictures, std::size_t i) {
  const SampleFiles& files = pictures.files(i);
  try {
    PictureSize picture = picture_size(files.picture);
    const Image mask = pictures.load_mask_ids(i);
    pictures.labels().clothing(mask, files.mask.string());
    const auto fits = [&] { return mask.width == picture.width && mask.height == picture.height; };
    if (!fits()) {  // an error must not rest on a header
      const Image decoded = load_image(files.picture);
      picture = {decoded.width, decoded.height, picture.is_turned};
    }
    if (fits()) return {"", picture.is_turned && mask.width != mask.height};
    return {size_mismatch(files, mask, picture), false};
  } catch (const std::exception& error) {
    return {error.what(), false};
  }
}

}  // namespace

fs::path checked_files_cache(const fs::path& data) {
  const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
  const bool has_cache = cache != nullptr && *cache != '\0', has_home = home != nullptr && *home != '\0';
  if (!has_cache && !has_home) return {};
  std::error_code missing;
  const fs::path place = fs::weakly_canonical(data, missing);
  return (has_cache ? fs::path(cache) : fs::path(home) / ".cache") / "weft" /
         fmt::format("{}{:016x}", cache_prefix, hash_text(place.string()));
}

FilesChecked check_files(const Dataset& pictures, const fs::path& cache,
                         const std::function<bool(std::size_t, std::size_t)>& advanced) {
  const std::string meaning = meaning_of(pictures);
  std::set<std::string> right = read_cache(cache);
  std::vector<std::size_t> unknown;
  std::vector<std::string> prints;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    prints.push_back(fingerprint(pictures.files(i), meaning));
    if (!right.contains(prints[i])) unknown.push_back(i);
  }

  FilesChecked result;
  if (unknown.empty()) return result;
  const auto workers = static_cast<std::size_t>(num_threads());
  OrderedPrefetcher<Finding> findings(
      unknown.size(), 4 * workers, [&](std::size_t k) { return check_sample(pictures, unknown[k]); }, workers);
  // Those of other settings and of files that are gone stay, but the file must not grow for ever.
  if (right.size() > std::max<std::size_t>(300'000, 4 * pictures.size())) right.clear();
  for (std::size_t k = 0; k < unknown.size(); ++k) {
    const Finding finding = findings.next();
    ++result.looked_at;
    result.turned += finding.is_turned;
    if (finding.problem.empty())
      right.insert(prints[unknown[k]]);
    else
      result.problems.push_back(finding.problem);
    if (advanced && !advanced(k + 1, unknown.size())) break;
  }
  write_cache(cache, right);
  return result;
}

}  // namespace weft
