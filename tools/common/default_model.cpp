#include "tools/common/default_model.h"

#include "core/check.h"

namespace weft::tools {

namespace fs = std::filesystem;

fs::path default_model() {
  const std::string name = "clothing-mobilenet_v2.safetensors";
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const fs::path& place :
       {folder / ".." / "share" / "weft" / name, folder / ".." / ".." / "models" / "pretrained" / name}) {
    if (!error && fs::exists(place)) return place.lexically_normal();
  }
  fail("no model given, and {} does not come with this build; give --model FILE", name);
}

}  // namespace weft::tools
