#pragma once
// How batch normalisation cuts [rows, channels], from the shape alone. Rows of few channels are read as fewer rows of
// more, [rows / times, times channels], which fills whole vectors, and enough of them to add to while others wait for
// their sums. Chunks of joined rows are the tasks.

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#include "core/allocator.h"
#include "core/parallel.h"

namespace weft::kernels {

inline constexpr std::int64_t line_channels = 16, least_channels = 32, most_joined_channels = 192;
inline constexpr std::int64_t chunk_elements = 32 * 1024;  // 128 KB
inline constexpr std::int64_t min_chunk_rows = 64;         // the chunks' sums stay small against the data

struct JoinedRows {
  std::int64_t times;           // rows of the image in a joined one
  std::int64_t rows, channels;  // joined
  std::int64_t left;            // rows of the image after the last joined one

  JoinedRows(std::int64_t image_rows, std::int64_t image_channels) : times(1) {
    const auto fills_lines = [&] {
      return times * image_channels >= least_channels && times * image_channels % line_channels == 0;
    };
    while (image_channels > 0 && !fills_lines()) ++times;
    if (times * image_channels > most_joined_channels) times = 1;
    rows = image_rows / times, channels = times * image_channels, left = image_rows % times;
  }

  std::int64_t chunk_rows() const {
    return std::max(min_chunk_rows, chunk_elements / std::max<std::int64_t>(1, channels));
  }
  std::int64_t chunks() const { return (rows + chunk_rows() - 1) / chunk_rows(); }
  std::int64_t chunk_begin(std::int64_t chunk) const { return chunk * chunk_rows(); }
  std::int64_t chunk_size(std::int64_t chunk) const { return std::min(chunk_rows(), rows - chunk_begin(chunk)); }

  /// Sums over parts of the image's rows are kept as [part][channel]: a chunk makes `times` parts, and what is left
  /// one.
  std::int64_t parts() const { return times * chunks() + (left > 0 ? 1 : 0); }
  std::int64_t part_rows(std::int64_t part) const { return part == times * chunks() ? left : chunk_size(part / times); }
};

/// Calls body(first joined row, rows) for each chunk, from the end on: what a pass over the rows read last is still in
/// the caches, and what this one leaves there is what the next operation reads first.
template <class Body>
void for_each_chunk_backwards(const JoinedRows& joined, Body&& body) {
  parallel_for_backwards(joined.chunks(),
                         [&](std::int64_t chunk) { body(joined.chunk_begin(chunk), joined.chunk_size(chunk)); });
}

/// `channels` rounded up to whole cache lines.
inline std::int64_t padded_to_lines(std::int64_t channels) {
  return (channels + line_channels - 1) / line_channels * line_channels;
}

/// Arrays of one number a channel, aligned, and repeated as joined rows need them.
class PerChannel {
 public:
  PerChannel(std::int64_t channels, std::int64_t times, std::initializer_list<const float*> arrays)
      : step_(padded_to_lines(times * channels)),
        numbers_(arrays.size() * static_cast<std::size_t>(step_) * sizeof(float)) {
    float* to = numbers_.as<float>();
    for (const float* from : arrays) {
      for (std::int64_t i = 0; i < times; ++i) std::copy_n(from, channels, to + i * channels);
      to += step_;
    }
  }
  PerChannel(const JoinedRows& joined, std::initializer_list<const float*> arrays)
      : PerChannel(joined.channels / joined.times, joined.times, arrays) {}
  const float* operator[](std::int64_t array) const { return numbers_.as<float>() + array * step_; }

 private:
  std::int64_t step_;
  ScratchBuffer numbers_;
};

}  // namespace weft::kernels
