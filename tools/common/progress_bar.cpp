#include "tools/common/progress_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace weft::tools {

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

ProgressBar::ProgressBar(std::string label, std::int64_t total, std::string unit, std::int64_t done)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      first_(done),
      is_terminal_(::isatty(STDERR_FILENO) != 0) {}

ProgressBar::~ProgressBar() { end(); }

void ProgressBar::clear() {
  if (has_bar_) std::fputs("\r\x1b[K", stderr);
  has_bar_ = false;
}

void ProgressBar::end() {
  if (has_bar_) std::fputc('\n', stderr);
  has_bar_ = false;
}

std::string ProgressBar::text(std::int64_t done, const std::string& detail) const {
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const double rate = static_cast<double>(done - first_) / std::max(seconds, 1e-9);
  std::string line = label_;
  if (is_terminal_) {
    constexpr std::int64_t cells = 24;
    const auto filled = static_cast<std::size_t>(total_ > 0 ? cells * done / total_ : cells);
    line += " [" + std::string(filled, '#') + std::string(cells - filled, '.') + "]";
  }
  line += fmt::format(" {}/{} {}", done, total_, unit_);
  if (done > first_) {
    line += fmt::format(", {:.3g}/s, {}", rate,
                        done < total_ ? duration_text(static_cast<double>(total_ - done) / rate) + " left"
                                      : "took " + duration_text(seconds));
  }
  return detail.empty() ? line : line + ", " + detail;
}

void ProgressBar::update(std::int64_t done, const std::string& detail) {
  const auto now = Clock::now();
  const auto pause = is_terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10'000);
  const bool is_last = done == total_ && (is_terminal_ || shown_ != start_);
  if (now - shown_ < pause && !is_last) return;
  shown_ = now;
  if (is_terminal_) {
    has_bar_ = true;
    std::fputs(fmt::format("\r{}\x1b[K", text(done, detail)).c_str(), stderr);
    std::fflush(stderr);
  } else {
    std::fputs((text(done, detail) + "\n").c_str(), stderr);
  }
}

}  // namespace weft::tools
