#pragma once
// Sums over what is being stored, taken from registers (core/kernels/output_statistics.h).

#include "core/kernels/isa/vec.h"
#include "core/kernels/output_statistics.h"

namespace weft::kernels::WEFT_ISA {
namespace {

/// The sums of one part's channels from some channel on; null where nobody has asked.
struct StoreSums {
  float *centres = nullptr, *sums = nullptr, *squares = nullptr;
  bool is_first = true;  // nothing of the part has been stored yet

  WEFT_ALWAYS_INLINE bool are_wanted() const { return centres != nullptr; }
};

WEFT_ALWAYS_INLINE StoreSums sums_of_part(const PartSums& all, std::int64_t part, std::int64_t channel, bool is_first) {
  if (all.centres == nullptr) return {};
  const std::int64_t at = part * all.stride + channel;
  return {all.centres + at, all.sums + at, all.squares + at, is_first};
}

/// The sums of one vector of channels, while some of its values are stored. They are sums of their own until then: a
/// sum of sums rounds less.
struct VectorSums {
  Vec centre, sum, square;

  /// `first`: the value at the part's first pixel, where that is among those to come.
  WEFT_ALWAYS_INLINE VectorSums(const StoreSums& part, std::int64_t c, Vec first = Vec{})
      : centre(part.is_first ? first : load(part.centres + c)), sum{}, square{} {}

  WEFT_ALWAYS_INLINE void add(Vec y) {
    const Vec d = y - centre;
    sum += d;
    square += d * d;
  }

  WEFT_ALWAYS_INLINE void add_to(const StoreSums& part, std::int64_t c) {
    if (part.is_first) {
      store(part.centres + c, centre);
    } else {
      sum += load(part.sums + c);
      square += load(part.squares + c);
    }
    store(part.sums + c, sum);
    store(part.squares + c, square);
  }
};

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
