#pragma once

#include <filesystem>

namespace weft {

/// The clothing model that comes with weft, the first of these that is there:
///   - the file that the environment variable WEFT_MODEL names;
///   - share/weft/ beside the folder of this program or of the library it uses: a build folder, an installation, an
///     unpacked archive;
///   - the same in the folders above the library's, as Debian's multiarch folders ask for;
///   - share/weft/ of the prefix that weft was built to be installed to.
/// Throws Error that names the places, where it is in none, and where WEFT_MODEL names no file.
std::filesystem::path default_model();

}  // namespace weft
