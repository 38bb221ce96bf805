#pragma once
// The C++ examples of a chapter must stand in its test, line for line, so that they stay true.

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "tests/catch.h"

namespace weft::test {

inline std::vector<std::string> trimmed_lines(const std::string& path) {
  std::ifstream file(std::string(WEFT_SOURCE_DIR "/") + path);
  INFO(path);
  REQUIRE(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find_first_not_of(' ');
    lines.push_back(first == std::string::npos ? "" : line.substr(first));
  }
  return lines;
}

/// The ```cpp blocks of a chapter, as lines without indentation.
inline std::vector<std::vector<std::string>> cpp_blocks(const std::string& chapter) {
  std::vector<std::vector<std::string>> blocks;
  bool inside = false;
  for (const std::string& line : trimmed_lines(chapter)) {
    if (line.rfind("```", 0) == 0) {
      inside = line == "```cpp";
      if (inside) blocks.emplace_back();
    } else if (inside) {
      blocks.back().push_back(line);
    }
  }
  return blocks;
}

/// Each block of the chapter occurs in the test source.
inline void check_examples(const std::string& chapter, const std::string& test_source) {
  const auto source = trimmed_lines(test_source);
  const auto blocks = cpp_blocks(chapter);
  CHECK_FALSE(blocks.empty());
  for (const auto& block : blocks) {
    REQUIRE_FALSE(block.empty());
    INFO(chapter << ": the example that begins with: " << block.front());
    CHECK(std::search(source.begin(), source.end(), block.begin(), block.end()) != source.end());
  }
}

}  // namespace weft::test
