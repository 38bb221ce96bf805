#include "core/plan/arena.h"

#include <algorithm>
#include <numeric>

namespace weft {
namespace {

constexpr std::int64_t alignment = 64;

/// One place, which several values have in turn.
struct Block {
  std::int64_t bytes = 0, offset = 0;
  int first = 0, last = 0;  // steps in which it is in use
};

}  // namespace

ArenaLayout lay_out_arena(const Graph& graph, const std::vector<Value>& outside) {
  const auto count = static_cast<std::size_t>(graph.value_count());
  std::vector<int> made(count, -1), last_read(count, -1), block_of(count, -1);
  std::vector<bool> is_outside(count, false);
  int number = 0;
  for (const Step& step : graph.steps()) {
    for (const Value v : step.outputs) made[static_cast<std::size_t>(v)] = last_read[static_cast<std::size_t>(v)] = number;
    for (const Value v : step.inputs) {
      if (v != no_value) last_read[static_cast<std::size_t>(v)] = number;
    }
    ++number;
  }
  for (const Value v : graph.outputs()) last_read[static_cast<std::size_t>(v)] = number;
  for (const Value v : outside) is_outside[static_cast<std::size_t>(v)] = true;

  std::vector<Block> blocks;
  number = 0;
  for (const Step& step : graph.steps()) {
    for (std::size_t i = 0; i < step.outputs.size(); ++i) {
      const auto v = static_cast<std::size_t>(step.outputs[i]);
      if (is_outside[v]) continue;
      const TensorType& type = graph.type(step.outputs[i]);
      const std::int64_t bytes = (type.shape.count() * dtype_bytes(type.dtype) + alignment - 1) / alignment * alignment;
      const int overwritten = i == 0 ? step.operation.may_overwrite : -1;
      if (overwritten >= 0) {
        const Value source = step.inputs[static_cast<std::size_t>(overwritten)];
        const bool is_read_elsewhere =
            std::count(step.inputs.begin(), step.inputs.end(), source) > 1;  // a kernel might read it again after writing
        if (source != no_value && !is_read_elsewhere) {
          const auto s = static_cast<std::size_t>(source);
          if (block_of[s] >= 0 && last_read[s] == number && blocks[static_cast<std::size_t>(block_of[s])].bytes == bytes) {
            block_of[v] = block_of[s];
            blocks[static_cast<std::size_t>(block_of[v])].last = last_read[v];
            continue;
          }
        }
      }
      block_of[v] = static_cast<int>(blocks.size());
      blocks.push_back({bytes, 0, made[v], last_read[v]});
    }
    ++number;
  }

  std::vector<int> order(blocks.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return blocks[static_cast<std::size_t>(a)].bytes > blocks[static_cast<std::size_t>(b)].bytes;
  });
  std::vector<const Block*> placed;  // by offset
  ArenaLayout layout{std::vector<std::int64_t>(count, -1)};
  for (const int which : order) {
    Block& block = blocks[static_cast<std::size_t>(which)];
    for (const Block* other : placed) {
      const bool meets = other->first <= block.last && block.first <= other->last;
      if (!meets) continue;
      if (block.offset + block.bytes <= other->offset) break;
      block.offset = std::max(block.offset, other->offset + other->bytes);
    }
    placed.insert(std::upper_bound(placed.begin(), placed.end(), &block,
                                   [](const Block* a, const Block* b) { return a->offset < b->offset; }),
                  &block);
    layout.bytes = std::max(layout.bytes, block.offset + block.bytes);
  }
  layout.gaps.resize(static_cast<std::size_t>(number));
  std::vector<std::int64_t> free_from(layout.gaps.size(), 0);  // in order of offsets, the end of what lies below
  const auto end_gap = [&](std::size_t step, std::int64_t end) {
    if (end - free_from[step] > layout.gaps[step].bytes) layout.gaps[step] = {free_from[step], end - free_from[step]};
  };
  for (const Block* block : placed) {
    for (int i = block->first; i <= std::min(block->last, number - 1); ++i) {
      const auto step = static_cast<std::size_t>(i);
      end_gap(step, block->offset);
      free_from[step] = std::max(free_from[step], block->offset + block->bytes);
    }
  }
  for (std::size_t step = 0; step < layout.gaps.size(); ++step) end_gap(step, layout.bytes);
  for (std::size_t v = 0; v < count; ++v) {
    if (block_of[v] >= 0) layout.offsets[v] = blocks[static_cast<std::size_t>(block_of[v])].offset;
  }
  return layout;
}

}  // namespace weft
