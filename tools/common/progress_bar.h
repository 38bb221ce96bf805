#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace weft::tools {

/// Progress on stderr: on a terminal a bar that redraws itself, with rate and time left; elsewhere (a log file) a plain
/// line every ten seconds, and nothing for what is done sooner.
class ProgressBar {
 public:
  /// `total` items of `unit` ("pictures") are to come, `done` of them are behind us (a continued epoch).
  ProgressBar(std::string label, std::int64_t total, std::string unit, std::int64_t done = 0);
  /// Ends the bar's line.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `detail` is shown at the end, such as "loss 0.1234".
  void update(std::int64_t done, const std::string& detail = "");
  /// Takes the bar off its line, for something else to be written there; the next update() draws it again.
  void clear();
  /// Leaves the bar as it stands; what is written next has a line of its own.
  void end();

 private:
  using Clock = std::chrono::steady_clock;
  std::string text(std::int64_t done, const std::string& detail) const;

  const std::string label_, unit_;
  const std::int64_t total_, first_;
  const bool is_terminal_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point shown_ = start_;
  bool has_bar_ = false;
};

/// "1:05", "2:03:04".
std::string duration_text(double seconds);

}  // namespace weft::tools
