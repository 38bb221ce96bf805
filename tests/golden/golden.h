#pragma once
// The C++ side of the golden tests (tests/golden/README.md): the numbers that golden.py makes from keys, and
// its files. No weight is stored; each is a function of its key in the state dict and its flat index:
//
//   h   = FNV-1a of the key's bytes, 64 bits
//   u_k = (mix(h + (k + 1) phi) >> 11) 2^-53          mix: SplitMix64's (Steele, Lea, Flood 2014)
//   x_k = float32(low + (high - low) u_k)             k = 0, 1, 2, ... in row-major order

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/check.h"
#include "core/formats/json.h"
#include "core/tensor.h"

namespace weft::test {

/// FNV-1a, 64 bits (Fowler, Noll, Vo).
inline std::uint64_t golden_hash(std::string_view key) {
  std::uint64_t h = 0xCBF29CE484222325u;
  for (char c : key) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return h;
}

/// u_k in [0, 1) of the stream that starts at `hash`.
inline double golden_uniform(std::uint64_t hash, std::int64_t k) {
  std::uint64_t z = hash + (static_cast<std::uint64_t>(k) + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  z = z ^ (z >> 31);
  return static_cast<double>(z >> 11) * 0x1.0p-53;
}

/// `count` values uniform in [low, high).
inline std::vector<float> golden_fill(std::string_view key, std::int64_t count, double low, double high) {
  const std::uint64_t hash = golden_hash(key);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::int64_t k = 0; k < count; ++k) {
    // volatile: product and sum must be rounded one by one, as Python does; a fused multiply-add differs.
    const volatile double step = (high - low) * golden_uniform(hash, k);
    values[static_cast<std::size_t>(k)] = static_cast<float>(low + step);
  }
  return values;
}

/// `count` values of a mask: 1 where u > 0.6, else 0.
inline std::vector<float> golden_mask(std::string_view key, std::int64_t count) {
  const std::uint64_t hash = golden_hash(key);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::int64_t k = 0; k < count; ++k) values[static_cast<std::size_t>(k)] = golden_uniform(hash, k) > 0.6 ? 1.0f : 0.0f;
  return values;
}

/// The value of a network's parameter or buffer, by the last word of its key and its rank:
///   weight of one axis (batch norm's), running_var   [0.5, 1.5)
///   bias, running_mean                               [-0.3, 0.3)
///   any other weight                                 [-r, r), r = sqrt(4 / fan in), fan in = count / shape[0]
///   num_batches_tracked                              0
inline std::vector<float> golden_weight(std::string_view key, std::span<const std::int64_t> shape) {
  std::int64_t count = 1;
  for (std::int64_t size : shape) count *= size;
  const std::string_view word = key.substr(key.rfind('.') + 1);
  if (word == "num_batches_tracked") return std::vector<float>(static_cast<std::size_t>(count));
  if (word == "running_var" || (word == "weight" && shape.size() == 1)) return golden_fill(key, count, 0.5, 1.5);
  if (word == "bias" || word == "running_mean") return golden_fill(key, count, -0.3, 0.3);
  WEFT_CHECK(word == "weight" && shape.size() > 1, "[golden_weight] no rule for {} of rank {}", key, shape.size());
  const double limit = std::sqrt(4.0 / static_cast<double>(count / shape[0]));
  return golden_fill(key, count, -limit, limit);
}

/// sum of values_k p_k, p = golden_fill("probe:" + key, -1, 1): one number that every element enters.
template <class T>
double golden_probe(std::string_view key, std::span<const T> values) {
  const auto probe = golden_fill("probe:" + std::string(key), static_cast<std::int64_t>(values.size()), -1, 1);
  double sum = 0;
  for (std::size_t k = 0; k < values.size(); ++k) sum += static_cast<double>(values[k]) * static_cast<double>(probe[k]);
  return sum;
}

/// The square root of the sum of squares.
template <class T>
double golden_norm(std::span<const T> values) {
  double sum = 0;
  for (T x : values) sum += static_cast<double>(x) * static_cast<double>(x);
  return std::sqrt(sum);
}

/// tests/golden/NAME. Throws Error where it is missing or no json.
inline nlohmann::json golden_file(const std::string& name) {
  const std::string path = std::string(WEFT_SOURCE_DIR) + "/tests/golden/" + name;
  std::ifstream file(path);
  WEFT_CHECK(file.is_open(), "{}: cannot be opened", path);
  return parse_json(std::string(std::istreambuf_iterator<char>(file), {}), path);
}

/// golden_fill as a tensor. float64 holds the same numbers as float32.
inline Tensor golden_tensor(std::string_view key, const Shape& shape, double low, double high, DType dtype = DType::f32) {
  return Tensor::from(shape, golden_fill(key, shape.count(), low, high)).to(dtype);
}

/// The tensor that a golden file describes: {"key", "shape", "low", "high"}, or {"shape", "values"} in full.
inline Tensor golden_tensor(const nlohmann::json& described, DType dtype) {
  const auto sizes = described["shape"].get<std::vector<std::int64_t>>();
  const Shape shape{std::span<const std::int64_t>(sizes)};
  if (described.contains("values")) return Tensor::from(shape, described["values"].get<std::vector<double>>()).to(dtype);
  return golden_tensor(described["key"].get<std::string>(), shape, described["low"], described["high"], dtype);
}

/// How far `values` are from a golden summary: the largest difference of a sampled value, the mean, the standard
/// deviation or the root mean square, over the largest magnitude of the golden values; infinity where one is not
/// finite. PyTorch's own float32 run is off by at most summary["float32_error"].
template <class T>
double golden_deviation(std::span<const T> values, const nlohmann::json& summary) {
  std::int64_t count = 1;
  for (const auto& size : summary["shape"]) count *= size.get<std::int64_t>();
  WEFT_CHECK(static_cast<std::int64_t>(values.size()) == count, "[golden_deviation] expected {} values, got {}", count, values.size());
  const double n = static_cast<double>(count), norm = golden_norm(values);
  double mean = 0, squares = 0;
  for (T x : values) mean += static_cast<double>(x) / n;
  for (T x : values) squares += (static_cast<double>(x) - mean) * (static_cast<double>(x) - mean) / n;

  if (!std::isfinite(norm)) return std::numeric_limits<double>::infinity();

  const auto difference = [&](double value, const char* name) { return std::abs(value - summary[name].get<double>()); };
  double worst = std::max({difference(mean, "mean"), difference(std::sqrt(squares), "std"), difference(norm, "norm") / std::sqrt(n)});
  const auto indices = summary["indices"].get<std::vector<std::size_t>>();
  const auto expected = summary["values"].get<std::vector<double>>();
  for (std::size_t i = 0; i < indices.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(values[indices[i]]) - expected[i]));
  }
  return worst / summary["largest"].get<double>();
}

}  // namespace weft::test
