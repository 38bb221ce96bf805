#pragma once
// Writes the synthetic data set as a folder with the layout of ATR as published:
//
//   JPEGImages/0000.jpg            the picture
//   SegmentationClassAug/0000.png  8-bit palette PNG whose indices are the labels
//   train.txt, val.txt             one stem a line

#include <cstdint>
#include <filesystem>
#include <functional>

#include "data/synthetic/synthetic.h"

namespace weft {

struct SyntheticSet {
  std::int64_t count = 0;
  SyntheticSize size;
  std::uint64_t seed = 0;
  double val_fraction =
      0.1;  ///< share of the pictures, the last ones, that val.txt lists (at least one); 0 writes no lists
};
inline constexpr std::int64_t synthetic_most_pictures = 1'000'000;

/// Draws and writes the set, pictures in parallel; `progress(done)` is called, one call at a time, after each.
/// Files of an earlier run are replaced. Throws Error where the folder can't be written, where it holds
/// pictures that are not of this set, or where a value is out of range.
void write_synthetic_set(const std::filesystem::path& folder, const SyntheticSet& set,
                         const std::function<void(std::int64_t done)>& progress = {});

}  // namespace weft
