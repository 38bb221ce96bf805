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

/// A step as far as its memory goes.
struct StepMemory {
  std::vector<Value> inputs, outputs;
  int may_overwrite = -1;  // see Operation
  std::int64_t scratch_bytes = 0;
};

/// One place, which several values have in turn.
struct ArenaBlock {
  std::int64_t bytes = 0, offset = 0;
  int first = 0, last = 0;  // steps in which it is in use
  bool is_scratch = false;  // of the step alone
};

/// The places that values need, not laid out yet.
struct Lifetimes {
  std::vector<ArenaBlock> blocks;
  std::vector<int> block_of;  // of each value; -1 for those that lie outside
  int steps = 0;

  /// The bytes that are in use at each step: no layout needs less than the largest of them.
  std::vector<std::int64_t> bytes_in_use() const;
};

/// `bytes`: of each value, with its alignment; -1: lies outside. `kept`: values that live to the end.
Lifetimes lifetimes_of(const std::vector<StepMemory>& steps, const std::vector<std::int64_t>& bytes,
                       const std::vector<Value>& kept);

/// Gives each block its offset. Returns the bytes that all take.
std::int64_t place_blocks(std::vector<ArenaBlock>& blocks);

/// For lifetimes_of(): a graph's steps, and the bytes of its values. `outside`: outputs that lie in memory of their
/// own.
std::vector<StepMemory> memory_of_steps(const Graph& graph);
std::vector<std::int64_t> bytes_in_arena(const Graph& graph, const std::vector<Value>& outside);

struct ArenaLayout {
  std::vector<std::int64_t>
      offsets;  // in bytes, of each value; -1 for those that lie outside: inputs, parameters, outputs
  std::int64_t bytes = 0;
  /// For each step, the longest stretch in which no value lies while it runs: scratch space.
  struct Gap {
    std::int64_t offset = 0, bytes = 0;
  };
  std::vector<Gap> gaps;
};

/// The graph's outputs that are not `outside` live to the end.
ArenaLayout lay_out_arena(const Graph& graph, const std::vector<Value>& outside);

}  // namespace weft
