// Draws people in clothes with exact ATR masks into a folder with ATR's layout. See docs/synthetic.md.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <string>

#include "core/check.h"
#include "core/parallel.h"
#include "data/synthetic/atr_folder.h"

namespace {

/// "512" or "640x480" (width x height).
weft::SyntheticSize parse_size(const std::string& text) {
  const auto number = [&](const std::string& part) {
    int value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || end != part.data() + part.size())
      throw CLI::ValidationError("--size", "expected S or WxH in pixels, got '" + text + "'");
    return value;
  };
  const std::size_t cross = text.find('x');
  if (cross == std::string::npos) return {number(text), number(text)};
  return {number(text.substr(0, cross)), number(text.substr(cross + 1))};
}

/// One line that is drawn over itself on a terminal, and a line every tenth of the way in a log.
void show_progress(std::int64_t done, std::int64_t count) {
  const bool terminal = isatty(STDERR_FILENO) != 0;
  if (terminal)
    fmt::print(stderr, "\r{}/{} pictures{}", done, count, done == count ? "\n" : "");
  else if (done * 10 / count != (done - 1) * 10 / count)
    fmt::print(stderr, "{}/{} pictures\n", done, count);
  std::fflush(stderr);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Draws people in clothes with exact masks of ATR's 18 labels, in ATR's folder layout"};
  std::string out, size = "512";
  weft::SyntheticSet set;
  set.count = 200;
  int threads = 0;
  app.add_option("--out", out, "folder to write: JPEGImages/, SegmentationClassAug/, train.txt, val.txt")->required();
  app.add_option("--count", set.count, "pictures")->capture_default_str();
  app.add_option("--size", size, "side of the square pictures, or WIDTHxHEIGHT, in pixels, 32 to 4096")
      ->capture_default_str();
  app.add_option("--seed", set.seed, "picture i of a seed is always the same")->capture_default_str();
  app.add_option("--val-fraction", set.val_fraction,
                 "share of the pictures that val.txt lists (the last ones); 0 writes no lists")
      ->capture_default_str();
  app.add_option("--threads", threads, "threads; the pictures don't depend on it (default: all cores)");
  app.set_version_flag("--version", "weft " WEFT_VERSION);
  try {
    app.parse(argc, argv);
    set.size = parse_size(size);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    if (threads != 0) weft::set_num_threads(threads);
    weft::write_synthetic_set(out, set, [&](std::int64_t done) { show_progress(done, set.count); });
    fmt::print("{}: {} pictures of {}x{} in JPEGImages/, their masks (18 ATR labels) in SegmentationClassAug/\n", out,
               set.count, set.size.width, set.size.height);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
  return 0;
}
