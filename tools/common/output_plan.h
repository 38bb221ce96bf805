#pragma once
// Where a run writes what, settled before the first picture is read.

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/image_io.h"
#include "tools/common/picture_list.h"

namespace weft::tools {

struct OutputOptions {
  std::string out;          // the folder; empty: beside a picture that is named, the current one for those of folders
  std::string output_file;  // of the only output, or standard_stream; empty: by the pictures' names
  std::vector<std::string> kinds = {"mask"};  // of output_kinds()
  std::optional<OutputFormat> format;         // nothing: as output_file's ending says, else PNG
  std::string model;                          // the model's file, which is no output either
  bool may_overwrite = false;                 // files that weft did not write
  bool skips_existing = false;
};

struct PlannedOutput {
  std::string kind;
  std::filesystem::path file;  // or standard_stream
};

struct PlannedPicture {
  ListedPicture picture;
  std::vector<PlannedOutput> outputs;
  std::string refusal;  // why nothing is written; mostly empty
};

struct OutputPlan {
  std::vector<PlannedPicture> pictures;
  OutputFormat format = OutputFormat::png;
  std::vector<std::string> notes;  // a line each
  std::size_t skipped = 0;         // pictures whose outputs are all there
};

/// Outputs are OUT/FOLDER/STEM.KIND.ENDING. Of pictures of one folder that have one stem (a.jpg, a.png) all but the
/// first keep their ending in it (a.png.mask.png), and a note says so; pictures of one name whose outputs would still
/// be the same files are refused, all of them, as are outputs that the run reads and files that weft did not write.
/// Throws UsageError: `output_file` for more than one output, or with an ending of a format that weft does not write.
OutputPlan plan_outputs(const PictureList& list, const OutputOptions& options);

}  // namespace weft::tools
