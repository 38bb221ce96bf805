#pragma once
// Which pictures a run is about: those that the command line names, and those in the folders that it names.

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace weft::tools {

/// The path that stands for standard input and output.
inline constexpr const char* standard_stream = "-";

struct ListedPicture {
  std::filesystem::path file;    // standard_stream: what comes on standard input
  std::filesystem::path folder;  // from the folder that was named to the one that holds the file; outputs mirror it
  bool is_named = false;         // by the command line itself

  bool is_stream() const { return file == standard_stream; }
};

struct PictureList {
  std::vector<ListedPicture> pictures;     // a folder's in order of name; each once
  std::map<std::string, int> passed_over;  // what else lies in the folders, by what people call it: "video", "text"
  std::vector<std::string> problems;       // folders that hold no picture or can't be read, a message each
};

struct ListOptions {
  bool is_recursive = false;       // enters the folders in a folder, but no link to one
  std::filesystem::path out = {};  // a folder below one that is listed, which is not entered: earlier outputs
};

/// A path that is no folder is a picture, whatever it is; what is wrong with it is found when it is read. In a folder
/// the pictures are told by their content, so that one without an ending is found and a film is not; but a file with a
/// picture's ending is always taken, and an error later where it is none. Names that begin with a dot (".DS_Store",
/// "._photo.jpg") are not even counted.
PictureList list_pictures(const std::vector<std::string>& paths, const ListOptions& options = {});

/// "3 passed over: 2 videos, 1 text"; empty where nothing was.
std::string passed_over_text(const PictureList& list);

}  // namespace weft::tools
