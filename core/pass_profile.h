#pragma once

#include "core/profile.h"
#include "core/tensor.h"

namespace weft {

/// For a ProfileScope around a pass over memory that in all reads and writes `tensors` times as much as x holds.
inline auto describe_pass(const char* op, const Tensor& x, double tensors) {
  return [op, &x, tensors](ProfileEntry& entry) {
    entry.op = op;
    entry.shapes = x.shape().to_string();
    entry.bytes = static_cast<std::int64_t>(tensors * static_cast<double>(x.bytes()));
  };
}

}  // namespace weft
