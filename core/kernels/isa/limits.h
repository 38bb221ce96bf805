#pragma once
// The bounds between which a clamp passes its input on; what lies beyond becomes the bound.

#include "core/kernels/clamp.h"
#include "core/kernels/isa/vec.h"

namespace weft::kernels::WEFT_ISA {
namespace {

/// As clips() of clamp.h, but of this instruction set's own: a common inline function may not be called here (see isa.h).
WEFT_ALWAYS_INLINE bool has_bounds(Clamp clamp) {
  return clamp.lower > -__builtin_inff() || clamp.upper < __builtin_inff();
}

/// Both bounds, for vectors.
struct Limits {
  Vec low, high;

  explicit Limits(Clamp clamp) : low(broadcast(clamp.lower)), high(broadcast(clamp.upper)) {}
};

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
