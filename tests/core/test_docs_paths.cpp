// What the chapters name is there: files in `backticks` with a folder before them, links, drawings.

#include <filesystem>
#include <regex>

#include "tests/docs_blocks.h"

using namespace weft::test;

namespace {

namespace fs = std::filesystem;
const fs::path root = WEFT_SOURCE_DIR;

/// A chapter's own folder; the chapters on kernels leave out the folders that all of theirs lie in.
bool is_there(const std::string& name, const fs::path& chapter) {
  const fs::path places[] = {root, chapter.parent_path(), root / "core/kernels", root / "core/kernels/isa"};
  return std::any_of(std::begin(places), std::end(places), [&](const fs::path& p) { return fs::exists(p / name); });
}

std::vector<std::string> matches(const std::string& line, const std::regex& pattern) {
  std::vector<std::string> found;
  for (std::sregex_iterator it(line.begin(), line.end(), pattern), end; it != end; ++it) found.push_back((*it)[1]);
  return found;
}

}  // namespace

TEST_CASE("files that the chapters name are there", "[docs]") {
  static const std::regex source(R"re(`([A-Za-z0-9_./]+/[A-Za-z0-9_.]+\.(?:h|cpp|py|sh|mjs|cmake))`)re");
  static const std::regex link(R"re(\]\(([^)#: ]+)(?:#[^)]*)?\))re");
  std::vector<fs::path> chapters{root / "README.md"};
  for (const auto& entry : fs::directory_iterator(root / "docs")) {
    if (entry.path().extension() == ".md") chapters.push_back(entry.path());
  }
  int names = 0;
  for (const fs::path& chapter : chapters) {
    for (const std::string& line : trimmed_lines(fs::relative(chapter, root).string())) {
      for (const std::regex* pattern : {&source, &link}) {
        for (const std::string& name : matches(line, *pattern)) {
          INFO(chapter.filename().string() << " names " << name);
          CHECK(is_there(name, chapter));
          ++names;
        }
      }
    }
  }
  CHECK(names > 200);
}
