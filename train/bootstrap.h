#pragma once
// Is one model better than another, or were the pictures kind to it?
//
// Both have judged the same n pictures, so picture i gives a difference d_i = b_i - a_i, in which how hard the picture
// is has gone. The paired bootstrap (Efron 1979) draws n of the d with replacement, many times; how far the means of
// the draws lie apart is how far the mean of another n pictures might have lain.

#include <cstdint>
#include <span>

namespace weft {

struct PairedDifference {
  double mean = 0;           // of b - a
  double low = 0, high = 0;  // between which 95 of 100 means of the draws lie
  double share_better = 0;   // of the draws in which b is better than a; a tie counts half
};

/// Throws Error where the two differ in length or are empty. The same numbers for the same seed.
PairedDifference paired_bootstrap(std::span<const double> a, std::span<const double> b, std::uint64_t seed = 0,
                                  std::size_t draws = 10'000);

}  // namespace weft
