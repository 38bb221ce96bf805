// Draws people in clothes with exact ATR masks into a folder with ATR's layout. See docs/synthetic.md.

#include <fmt/format.h>

#include <charconv>
#include <string>

#include "data/synthetic/atr_folder.h"
#include "tools/common/progress_bar.h"
#include "tools/common/run_tool.h"

namespace {

using namespace weft;
using namespace weft::tools;

/// "512" or "640x480" (width x height).
SyntheticSize parse_size(const std::string& text) {
  const auto number = [&](const std::string& part) {
    int value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || end != part.data() + part.size())
      throw UsageError("--size: expected S or WxH in pixels, got '" + text + "'");
    return value;
  };
  const std::size_t cross = text.find('x');
  if (cross == std::string::npos) return {number(text), number(text)};
  return {number(text.substr(0, cross)), number(text.substr(cross + 1))};
}

int draw(const std::string& out, const SyntheticSet& set) {
  {
    ProgressBar bar("drawing", set.count, "pictures");
    write_synthetic_set(out, set, [&](std::int64_t done) { bar.update(done); });
  }
  fmt::print("{}: {} pictures of {}x{} in JPEGImages/, their masks (18 ATR labels) in SegmentationClassAug/\n", out,
             set.count, set.size.width, set.size.height);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Draws people in clothes with exact masks of ATR's 18 labels, in ATR's folder layout.",
               "make_synthetic_atr");
  std::string out, size = "512";
  SyntheticSet set;
  set.count = 200;
  app.add_option("--out", out, "folder to write: JPEGImages/, SegmentationClassAug/, train.txt, val.txt")
      ->required()
      ->type_name("DIR");
  app.add_option("--count", set.count, "how many pictures")->capture_default_str()->type_name("N");
  app.add_option("--size", size, "pixels: the side of square pictures, or WIDTHxHEIGHT; 32 to 4096")
      ->capture_default_str()
      ->type_name("S");
  app.add_option("--seed", set.seed, "picture i of a seed is always the same")->capture_default_str()->type_name("K");
  app.add_option("--val-fraction", set.val_fraction,
                 "share of the pictures, the last ones, that val.txt lists; 0: no lists")
      ->capture_default_str()
      ->type_name("F");
  return run_tool(app, argc, argv, [&] {
    set.size = parse_size(size);
    return draw(out, set);
  });
}
