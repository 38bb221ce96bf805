#pragma once
// The limits between which an activation passes its input on; what lies beyond becomes the limit.

#include "core/kernels/activation.h"
#include "core/kernels/isa/vec.h"

namespace weft::kernels::WEFT_ISA {
namespace {

WEFT_ALWAYS_INLINE float lower_limit(Activation activation) {
  return activation == Activation::none ? -__builtin_inff() : 0;
}
WEFT_ALWAYS_INLINE float upper_limit(Activation activation) {
  return activation == Activation::relu6 ? 6 : __builtin_inff();
}

/// Both, for vectors.
struct Limits {
  Vec low, high;

  explicit Limits(Activation activation)
      : low(broadcast(lower_limit(activation))), high(broadcast(upper_limit(activation))) {}
};

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
