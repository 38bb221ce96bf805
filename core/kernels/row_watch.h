#pragma once
// What an operation has just stored is read again at the least cost while it is still in the caches. A RowWatch is told
// of an output's rows as they are stored, and may read them at once.

#include <cstdint>

namespace weft::kernels {

struct RowWatch {
  /// Rows [first, first + rows) of an output [rows, channels] are stored in `channels` of its channels. Called by the
  /// threads that stored them, in any order and several at once; for no number twice, and not necessarily for all.
  void (*stored)(RowWatch& watch, std::int64_t first, std::int64_t rows, std::int64_t channels);
};

}  // namespace weft::kernels
