#include "core/plan/arena.h"

#include <algorithm>
#include <numeric>

namespace weft {
namespace {

std::int64_t aligned(std::int64_t bytes) { return (bytes + 63) / 64 * 64; }

std::size_t index(Value v) { return static_cast<std::size_t>(v); }

}  // namespace

std::vector<StepMemory> memory_of_steps(const Graph& graph) {
  std::vector<StepMemory> steps;
  for (const Step& step : graph.steps())
    steps.push_back({step.inputs, step.outputs, step.operation.may_overwrite, step.operation.scratch_bytes});
  return steps;
}

std::vector<std::int64_t> bytes_in_arena(const Graph& graph, const std::vector<Value>& outside) {
  std::vector<std::int64_t> bytes(static_cast<std::size_t>(graph.value_count()), -1);
  for (const Step& step : graph.steps()) {
    for (const Value v : step.outputs) bytes[index(v)] = aligned(graph.type(v).bytes());
  }
  for (const Value v : outside) bytes[index(v)] = -1;
  return bytes;
}

Lifetimes lifetimes_of(const std::vector<StepMemory>& steps, const std::vector<std::int64_t>& bytes,
                       const std::vector<Value>& kept) {
  std::vector<int> last_read(bytes.size(), -1);
  int number = 0;
  for (const StepMemory& step : steps) {
    for (const Value v : step.outputs) last_read[index(v)] = number;
    for (const Value v : step.inputs) {
      if (v != no_value) last_read[index(v)] = number;
    }
    ++number;
  }
  for (const Value v : kept) last_read[index(v)] = number;

  Lifetimes lifetimes{{}, std::vector<int>(bytes.size(), -1), number};
  std::vector<ArenaBlock>& blocks = lifetimes.blocks;
  std::vector<int>& block_of = lifetimes.block_of;
  number = 0;
  for (const StepMemory& step : steps) {
    if (step.scratch_bytes > 0) blocks.push_back({aligned(step.scratch_bytes), 0, number, number, true});
    for (std::size_t i = 0; i < step.outputs.size(); ++i) {
      const std::size_t v = index(step.outputs[i]);
      if (bytes[v] < 0) continue;
      if (i == 0 && step.may_overwrite >= 0) {
        const Value source = step.inputs[static_cast<std::size_t>(step.may_overwrite)];
        // A kernel might read an input that it is given twice again after writing.
        if (source != no_value && std::count(step.inputs.begin(), step.inputs.end(), source) == 1) {
          const int block = block_of[index(source)];
          if (block >= 0 && last_read[index(source)] == number && blocks[index(block)].bytes == bytes[v]) {
            block_of[v] = block;
            blocks[index(block)].last = last_read[v];
            continue;
          }
        }
      }
      block_of[v] = static_cast<int>(blocks.size());
      blocks.push_back({bytes[v], 0, number, last_read[v]});
    }
    ++number;
  }
  return lifetimes;
}

std::vector<std::int64_t> Lifetimes::bytes_in_use() const {
  std::vector<std::int64_t> change(static_cast<std::size_t>(steps) + 1, 0);
  for (const ArenaBlock& block : blocks) {
    change[index(block.first)] += block.bytes;
    if (block.last < steps) change[index(block.last) + 1] -= block.bytes;
  }
  std::partial_sum(change.begin(), change.end(), change.begin());
  change.resize(static_cast<std::size_t>(steps));
  return change;
}

namespace {

/// The blocks in the order of their offsets, which it sets.
std::vector<const ArenaBlock*> placed_blocks(std::vector<ArenaBlock>& blocks) {
  std::vector<std::size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return blocks[a].bytes > blocks[b].bytes; });
  std::vector<const ArenaBlock*> placed;
  for (const std::size_t which : order) {
    ArenaBlock& block = blocks[which];
    block.offset = 0;
    for (const ArenaBlock* other : placed) {
      const bool meets = other->first <= block.last && block.first <= other->last;
      if (!meets) continue;
      if (block.offset + block.bytes <= other->offset) break;
      block.offset = std::max(block.offset, other->offset + other->bytes);
    }
    const auto is_lower = [](const ArenaBlock* a, const ArenaBlock* b) { return a->offset < b->offset; };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), &block, is_lower), &block);
  }
  return placed;
}

std::int64_t end_of(const std::vector<ArenaBlock>& blocks) {
  std::int64_t end = 0;
  for (const ArenaBlock& block : blocks) end = std::max(end, block.offset + block.bytes);
  return end;
}

}  // namespace

std::int64_t place_blocks(std::vector<ArenaBlock>& blocks) {
  placed_blocks(blocks);
  return end_of(blocks);
}

ArenaLayout lay_out_arena(const Graph& graph, const std::vector<Value>& outside) {
  Lifetimes lifetimes = lifetimes_of(memory_of_steps(graph), bytes_in_arena(graph, outside), graph.outputs());
  std::vector<ArenaBlock>& blocks = lifetimes.blocks;
  const std::vector<int>& block_of = lifetimes.block_of;
  const int number = lifetimes.steps;
  const std::vector<const ArenaBlock*> placed = placed_blocks(blocks);
  ArenaLayout layout;
  layout.offsets.assign(block_of.size(), -1);
  layout.bytes = end_of(blocks);
  layout.gaps.resize(static_cast<std::size_t>(number));
  std::vector<std::int64_t> free_from(layout.gaps.size(), 0);  // in order of offsets, the end of what lies below
  const auto end_gap = [&](std::size_t step, std::int64_t end) {
    if (end - free_from[step] > layout.gaps[step].bytes) layout.gaps[step] = {free_from[step], end - free_from[step]};
  };
  for (const ArenaBlock* block : placed) {
    if (block->is_scratch) continue;
    for (int i = block->first; i <= std::min(block->last, number - 1); ++i) {
      const auto step = static_cast<std::size_t>(i);
      end_gap(step, block->offset);
      free_from[step] = std::max(free_from[step], block->offset + block->bytes);
    }
  }
  for (std::size_t step = 0; step < layout.gaps.size(); ++step) end_gap(step, layout.bytes);
  for (std::size_t v = 0; v < block_of.size(); ++v) {
    if (block_of[v] >= 0) layout.offsets[v] = blocks[static_cast<std::size_t>(block_of[v])].offset;
  }
  return layout;
}

}  // namespace weft
