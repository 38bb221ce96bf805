// What the processor could do: fused multiply-adds on registers, with no memory in the way.
//
// A multiply-add takes four or five cycles and two may start in each, so about ten must be under way at any time:
// as many independent sums as leave two registers for the factors.

#include "core/kernels/isa/kernels.h"
#include "core/kernels/isa/vec.h"

namespace weft::kernels::WEFT_ISA {

std::int64_t multiply_adds_in_registers(std::int64_t rounds) {
  constexpr int sums = vector_registers - 4;
  volatile float start = 0.5f;  // keeps the compiler from computing the result itself
  const Vec factor = broadcast(start), term = broadcast(1 - start);
  Vec sum[sums];
  WEFT_UNROLL
  for (int i = 0; i < sums; ++i) sum[i] = broadcast(start + static_cast<float>(i));
  for (std::int64_t round = 0; round < rounds; ++round) {
    WEFT_UNROLL
    for (int i = 0; i < sums; ++i) sum[i] = sum[i] * factor + term;
  }
  Vec total = {};
  WEFT_UNROLL
  for (int i = 0; i < sums; ++i) total += sum[i];
  start = sum_lanes(total);
  return rounds * sums * lanes;
}

}  // namespace weft::kernels::WEFT_ISA
