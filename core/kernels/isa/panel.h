#pragma once
// Output channels are cut into panels of nearly equal numbers of vectors, as many as a register tile is wide.

#include "core/kernels/isa/vec.h"

namespace weft::kernels::WEFT_ISA {
namespace {

struct Panel {
  std::int64_t index, column, vectors;  // column: its first channel
};

WEFT_ALWAYS_INLINE std::int64_t panels_of(std::int64_t out_c, std::int64_t most_vectors) {
  return ceil_div(ceil_div(out_c, lanes), most_vectors);
}
WEFT_ALWAYS_INLINE Panel panel_of(std::int64_t out_c, std::int64_t most_vectors, std::int64_t index) {
  const Part part = part_of(ceil_div(out_c, lanes), panels_of(out_c, most_vectors), index);
  return {index, part.begin * lanes, part.size};
}

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
