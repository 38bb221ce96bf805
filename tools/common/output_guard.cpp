#include "tools/common/output_guard.h"

#include <sys/stat.h>

#include <cstdint>
#include <exception>

#include "core/check.h"
#include "core/formats/npy.h"
#include "data/software_note.h"
#include "models/unet.h"

namespace weft::tools {

namespace fs = std::filesystem;

bool is_written_by_weft(const fs::path& file) {
  try {
    if (!file.filename().string().ends_with(".logits.npy")) return has_software_note(file);
    const NpyFile array(file);
    const auto& shape = array.shape();
    return array.type() == ElementType::F32 && shape.size() == 2 && shape[0] % UNet::stride == 0 &&
           shape[1] % UNet::stride == 0;
  } catch (const std::exception&) {
    return false;
  }
}

OutputGuard::OutputGuard(const std::vector<fs::path>& inputs, bool may_overwrite) : may_overwrite_(may_overwrite) {
  for (const fs::path& input : inputs) {
    struct stat status = {};
    if (::stat(input.c_str(), &status) == 0) inputs_.emplace(status.st_dev, status.st_ino);
  }
}

std::string OutputGuard::refusal(const fs::path& output) const {
  struct stat status = {};
  if (::stat(output.c_str(), &status) != 0) return "";
  if (inputs_.contains({status.st_dev, status.st_ino})) {
    return fmt::format("{}: not written: this file is read in the same run; name another with --out or -o",
                       output.string());
  }
  if (!S_ISREG(status.st_mode) || may_overwrite_ || is_written_by_weft(output)) return "";
  return fmt::format("{}: not written: the file exists and is not weft's; --overwrite replaces it", output.string());
}

}  // namespace weft::tools
