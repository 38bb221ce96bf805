#pragma once
// Random numbers from a counter, not from a state that threads share: each use names its stream,
//
//   Random draw(seed, {purpose::augment, epoch, sample});
//
// so the numbers that a sample gets don't depend on which thread prepares it, or in which order.
// The generator is SplitMix64 (Steele, Lea, Flood 2014): output k of a stream is mix(key + k * phi).

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace weft {

class Random {
 public:
  /// The stream named by the seed and the words of the key.
  explicit Random(std::uint64_t seed, std::initializer_list<std::uint64_t> key = {}) : state_(mix(seed)) {
    for (std::uint64_t word : key) state_ = mix(state_ ^ mix(word + phi));
  }

  std::uint64_t next() { return mix(state_ += phi); }

  /// Uniform in [0, 1), 53 bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// Uniform in [low, high).
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Uniform integer in [0, n), n > 0.
  std::uint64_t below(std::uint64_t n);
  /// True with probability p.
  bool chance(double p) { return uniform() < p; }
  /// Standard normal (Box-Muller; draws two uniforms).
  double normal();

  /// Fisher-Yates.
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::uint64_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  static constexpr std::uint64_t phi = 0x9E3779B97F4A7C15u;
  static std::uint64_t mix(std::uint64_t z);
  std::uint64_t state_;
};

/// A number for a name (FNV-1a, 64 bits), for keys of streams.
std::uint64_t hash_text(std::string_view text);

}  // namespace weft
