#pragma once
// The files of a data set, looked at before anything is made of them: a training should not end in the middle of its
// first epoch because one mask of ten thousand is of another data set.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace weft {

/// Where check_files() keeps what it knows of the data set in this folder: $XDG_CACHE_HOME/weft (or ~/.cache/weft), so
/// that nothing is written among the user's data. Empty where there is no such place.
std::filesystem::path checked_files_cache(const std::filesystem::path& data);

struct FilesChecked {
  std::vector<std::string> problems;  // a line each, in the data set's order
  std::size_t looked_at = 0;          // the others were found right before, and have not changed
  std::size_t turned = 0;             // masks among `looked_at` that fit after the photograph's EXIF turn alone
};

/// Reads the header of every picture, and every mask: that both can be read, fit each other, and that the label map
/// knows what is in the mask. Those that were right are noted in the file `cache` (where it can be written; empty:
/// nowhere) by size and time, and not read again until one of the two changes. `advanced(done, of)` is called after
/// each of those that are read; where it returns false the rest is left.
FilesChecked check_files(const Dataset& pictures, const std::filesystem::path& cache,
                         const std::function<bool(std::size_t, std::size_t)>& advanced = {});

}  // namespace weft
