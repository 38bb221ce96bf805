#pragma once
// A training step in less memory: what the backward pass reads of the forward pass, and there is no room to keep, is
// computed once more when it is read (Chen et al. 2016, arXiv:1604.06174).
//
// What is computed again, and how far back, is chosen by what it costs and what it brings, one value after the other,
// until all fits: not a batch norm or a block, but whatever segment of the graph is cheapest. The steps that compute
// again are the same operations on the same inputs, so every bit stays as it was. Steps that change something, such as
// a random stream, are never run twice.

#include <cstdint>
#include <vector>

#include "core/graph.h"

namespace weft {

/// Has steps run again before their first reader behind `last_forward`, so that the arena (core/plan/arena.h) takes at
/// most `bytes`. `outside` as for lay_out_arena(). Returns the bytes that it takes now: the fewest that were found,
/// where these are more than `bytes`.
std::int64_t recompute_to_fit(Graph& graph, const Step* last_forward, const std::vector<Value>& outside,
                              std::int64_t bytes);

}  // namespace weft
