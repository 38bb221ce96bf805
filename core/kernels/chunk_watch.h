#pragma once
// Sums over chunks of an image, each taken by the thread that stores the chunk's last number, or afterwards by
// sum_rest(). The same chunks have the same sums either way.

#include <atomic>
#include <memory>

#include "core/kernels/joined_rows.h"
#include "core/kernels/row_watch.h"

namespace weft::kernels {

class ChunkWatch : public RowWatch {
 public:
  ChunkWatch(const ChunkWatch&) = delete;
  ChunkWatch& operator=(const ChunkWatch&) = delete;

 protected:
  ChunkWatch(std::int64_t rows, std::int64_t channels)
      : RowWatch{[](RowWatch& watch, std::int64_t first, std::int64_t count, std::int64_t stored_channels) {
          static_cast<ChunkWatch&>(watch).count_stored(first, count, stored_channels);
        }},
        joined(rows, channels),
        missing_(new std::atomic<std::int64_t>[static_cast<std::size_t>(joined.chunks())]) {
    for (std::int64_t chunk = 0; chunk < joined.chunks(); ++chunk)
      missing(chunk).store(joined.chunk_size(chunk) * joined.channels, std::memory_order_relaxed);
  }
  ~ChunkWatch() = default;

  virtual void sum_chunk(std::int64_t chunk) = 0;

  /// Once the image is stored: the chunks of which nobody told.
  void sum_rest() {
    parallel_for(joined.chunks(), [&](std::int64_t chunk) {
      if (missing(chunk).load(std::memory_order_relaxed) > 0) sum_chunk(chunk);
    });
  }

  const JoinedRows joined;

 private:
  std::atomic<std::int64_t>& missing(std::int64_t chunk) { return missing_[static_cast<std::size_t>(chunk)]; }

  void count_stored(std::int64_t first, std::int64_t count, std::int64_t channels) {
    const std::int64_t chunk_rows = joined.chunk_rows() * joined.times, end = first + count;
    for (std::int64_t chunk = first / chunk_rows; chunk < joined.chunks() && chunk * chunk_rows < end; ++chunk) {
      const std::int64_t begin = joined.chunk_begin(chunk) * joined.times;
      const std::int64_t rows = std::min(end, begin + joined.chunk_size(chunk) * joined.times) - std::max(first, begin);
      // Acquires what other threads stored of the chunk before they counted it.
      if (rows > 0 && missing(chunk).fetch_sub(rows * channels, std::memory_order_acq_rel) == rows * channels)
        sum_chunk(chunk);
    }
  }

  std::unique_ptr<std::atomic<std::int64_t>[]> missing_;
};

}  // namespace weft::kernels
