#pragma once
// Which files a run may write over. A photograph exists once; a mask can be made again.

#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace weft::tools {

/// True where the file says that weft wrote it: a PNG with the text "Software: weft", or the STEM.logits.npy of
/// infer_unet (.npy has no room for a note: a float32 matrix of whole network inputs under that name is taken for one).
/// False for everything else, and where the file can't be read.
bool is_written_by_weft(const std::filesystem::path& file);

class OutputGuard {
 public:
  /// The files that a run reads. `may_overwrite`: files that weft did not write may be replaced as well.
  OutputGuard(const std::vector<std::filesystem::path>& inputs, bool may_overwrite);

  /// Why `output` must not be written; empty where it may. An input is told by device and inode, so by no other name,
  /// link or spelling does it become an output.
  std::string refusal(const std::filesystem::path& output) const;

 private:
  std::set<std::pair<std::uint64_t, std::uint64_t>> inputs_;  // device, inode
  bool may_overwrite_;
};

}  // namespace weft::tools
