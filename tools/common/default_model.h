#pragma once

#include <filesystem>

namespace weft::tools {

/// The clothing model that comes with weft: share/weft/ beside the installed bin/, or models/pretrained/ of the
/// source tree that holds the build folder. Throws Error where it is in neither.
std::filesystem::path default_model();

}  // namespace weft::tools
