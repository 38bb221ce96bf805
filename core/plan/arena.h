#pragma once
// Where the values of a graph lie in one block of memory.
//
// A value lives from the step that makes it to its last reader, so two values whose lives don't meet may have the same
// place. The largest are placed first, each at the lowest offset where no value of its time lies: "greedy by size"
// (Pisarchyk, Lee 2020, arXiv:2001.03288), within a percent or two of the least possible for networks like these. A
// step that may overwrite an input does so where it is the input's last reader.

#include <cstdint>
#include <vector>

#include "core/graph.h"

namespace weft {

struct ArenaLayout {
  std::vector<std::int64_t> offsets;  // in bytes, of each value; -1 for those that lie outside: inputs, parameters, outputs
  std::int64_t bytes = 0;
  /// For each step, the longest stretch in which nothing lies while it runs.
  struct Gap {
    std::int64_t offset = 0, bytes = 0;
  };
  std::vector<Gap> gaps;
};

/// `outside`: outputs that lie in memory of their own. The graph's other outputs live to the end.
ArenaLayout lay_out_arena(const Graph& graph, const std::vector<Value>& outside);

}  // namespace weft
