// The bytes as a split list: names of files in one folder, each once.

#include <set>

#include "data/dataset.h"
#include "tests/fuzz/reader.h"

using namespace weft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::read_any("", [&](const FileBytes&) {
    const std::vector<std::string> stems = parse_list({data, size}, "f");
    const std::filesystem::path folder = "folder";
    for (const std::string& stem : stems) {
      if ((folder / (stem + ".png")).lexically_normal().parent_path() != folder) std::abort();
    }
    if (stems.empty() || std::set<std::string>(stems.begin(), stems.end()).size() != stems.size()) std::abort();
  });
  return 0;
}
