#pragma once
// The statistics of an output, taken from the registers that it is stored from: no pass over memory, and the output may
// be stored past the caches.
//
// A kernel cuts the output's pixels into parts, from the shape alone, so that the bits don't depend on who computes
// which. For each part and channel it notes
//
//   c = the value at the part's first pixel        s = sum of y - c        q = sum of (y - c)^2
//
// and the parts are joined in order, in double (core/kernels/batch_norm.h). Any c would do that is near the mean. This
// one is off by a standard deviation as a rule, which costs a bit. At most it costs digits like 1 + n, for a part of n
// pixels (up to some thousands) whose variance is all in the first of them; var is good to 1e-3 then.

#include <cstdint>
#include <vector>


namespace weft::kernels {

/// Where a kernel notes the sums: [part][stride] floats each. Vectors may be stored whole, so padding is overwritten.
struct PartSums {
  std::int64_t* pixels;  // [part]
  float *centres, *sums, *squares;
  std::int64_t stride;  // channels, rounded up to 16
};

class OutputStatistics {
 public:
  explicit OutputStatistics(std::int64_t channels) : channels_(channels) {}

  /// For the kernel, before it stores anything: room for the sums of so many parts.
  PartSums begin(std::int64_t parts);
  /// True where a kernel has begun; those for few outputs don't.
  bool is_taken() const { return !pixels_.empty(); }
  /// Once all is stored: mean and biased variance [channels].
  void result(float* mean, float* var);

 private:
  const std::int64_t channels_;
  std::vector<std::int64_t> pixels_;
  std::vector<float> sums_;
};

}  // namespace weft::kernels
