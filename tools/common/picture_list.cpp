#include "tools/common/picture_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <system_error>

#include "data/picture_format.h"
#include "tools/common/masks.h"

namespace weft::tools {

namespace fs = std::filesystem;

namespace {

constexpr const char *folder_kind = "folder", *output_kind = "output of an earlier run";

class Lister {
 public:
  Lister(const ListOptions& options, PictureList& list) : options_(options), list_(list) {}

  void add(const fs::path& path) {
    std::error_code ignored;  // a file that is missing is named when its turn comes
    if (path == standard_stream || !fs::is_directory(path, ignored)) return take({path, {}, true});
    const std::size_t before = list_.pictures.size(), problems = list_.problems.size();
    add_folder(path, {});
    if (list_.pictures.size() == before && list_.problems.size() == problems)
      list_.problems.push_back(path.string() + ": no pictures");
  }

 private:
  void add_folder(const fs::path& folder, const fs::path& below) {
    std::error_code error;
    std::vector<fs::directory_entry> entries;
    for (fs::directory_iterator it(folder, error); !error && it != fs::directory_iterator(); it.increment(error))
      entries.push_back(*it);
    if (error) {
      list_.problems.push_back(fmt::format("{}: cannot list this folder: {}", folder.string(), error.message()));
      return;
    }
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.path() < b.path(); });
    for (const fs::directory_entry& entry : entries) add_entry(entry, below);
  }

  void add_entry(const fs::directory_entry& entry, const fs::path& below) {
    const fs::path& path = entry.path();
    const std::string name = path.filename().string();
    std::error_code ignored;
    if (name.starts_with('.')) return;
    if (entry.is_directory(ignored)) {
      const bool is_out = !options_.out.empty() && fs::equivalent(path, options_.out, ignored);
      if (is_out) return;
      if (!options_.is_recursive || entry.is_symlink(ignored)) return pass_over(folder_kind);
      return add_folder(path, below / name);
    }
    if (!entry.exists(ignored)) return pass_over("link to nowhere");
    if (!entry.is_regular_file(ignored)) return pass_over("device or pipe");
    if (is_output_name(name)) return pass_over(output_kind);
    if (is_picture_name(path)) return take({path, below, false});
    const FileKind kind = file_kind(path);
    if (!kind.picture) return pass_over(kind.name);
    take({path, below, false});
  }

  void take(ListedPicture picture) {
    std::error_code error;
    const fs::path place = picture.is_stream() ? picture.file : fs::weakly_canonical(picture.file, error);
    if (seen_.insert(error ? picture.file : place).second) list_.pictures.push_back(std::move(picture));
  }

  void pass_over(const std::string& kind) { ++list_.passed_over[kind]; }

  const ListOptions& options_;
  PictureList& list_;
  std::set<fs::path> seen_;
};

std::string counted(int count, const std::string& kind) {
  if (count == 1) return "1 " + kind;
  if (kind == output_kind) return fmt::format("{} outputs of an earlier run", count);
  if (kind == "link to nowhere") return fmt::format("{} links to nowhere", count);
  if (kind == "device or pipe") return fmt::format("{} devices or pipes", count);
  return fmt::format("{} {}s", count, kind);
}

}  // namespace

PictureList list_pictures(const std::vector<std::string>& paths, const ListOptions& options) {
  PictureList list;
  Lister lister(options, list);
  for (const std::string& path : paths) lister.add(path);
  return list;
}

std::string passed_over_text(const PictureList& list) {
  std::vector<std::pair<int, std::string>> parts;  // the most frequent first
  int all = 0;
  for (const auto& [kind, count] : list.passed_over) {
    parts.emplace_back(count, counted(count, kind));
    all += count;
  }
  if (all == 0) return "";
  std::stable_sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string text = fmt::format("{} passed over: ", all);
  for (std::size_t i = 0; i < parts.size(); ++i) text += (i > 0 ? ", " : "") + parts[i].second;
  if (list.passed_over.contains(folder_kind)) text += "; --recursive enters folders";
  return text;
}

}  // namespace weft::tools
