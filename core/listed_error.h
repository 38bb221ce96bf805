#pragma once
// An error of which every part deserves a line of its own: each bad mask of a data set, not only the first.

#include <string>
#include <utility>
#include <vector>

#include "core/check.h"

namespace weft {

/// what() is one line for all of it, with the first part as an example. Executables print lines() before it.
class ListedError : public Error {
 public:
  /// Expects at least one line.
  ListedError(std::vector<std::string> lines, const std::string& summary)
      : Error(summary + "; the first: " + lines.at(0)), lines_(std::move(lines)), summary_(summary) {}

  const std::vector<std::string>& lines() const { return lines_; }
  /// The line that stands below lines().
  const std::string& summary() const { return summary_; }

 private:
  std::vector<std::string> lines_;
  std::string summary_;
};

/// Does nothing where `lines` is empty, throws Error with the one line that there is, ListedError for more.
inline void throw_listed(std::vector<std::string> lines, const std::string& summary) {
  if (lines.empty()) return;
  if (lines.size() == 1) throw Error(lines[0]);
  throw ListedError(std::move(lines), summary);
}

}  // namespace weft
