#include "tools/common/diff_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "core/formats/printable.h"

namespace weft::tools {
namespace {

struct Difference {
  double largest = 0;    // |a - b|; infinite where only one of them is NaN
  double magnitude = 0;  // the largest |a|
};

std::vector<double> values(const WeightsEntry& entry, const std::vector<std::byte>& bytes) {
  std::vector<double> numbers(static_cast<std::size_t>(entry.count()));
  to_f64(entry.type, bytes, numbers.data());
  return numbers;
}

Difference compare(const std::vector<double>& a, const std::vector<double>& b) {
  Difference difference;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isfinite(a[i])) difference.magnitude = std::max(difference.magnitude, std::abs(a[i]));
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    const double distance = std::abs(a[i] - b[i]);
    difference.largest =
        std::isnan(distance) ? std::numeric_limits<double>::infinity() : std::max(difference.largest, distance);
  }
  return difference;
}

/// How two tensors of one name differ, as the rest of a line; nullopt where they are equal.
std::optional<std::string> describe_difference(const WeightsFile& file_a, const WeightsEntry& a,
                                               const WeightsFile& file_b, const WeightsEntry& b) {
  if (a.shape != b.shape) return fmt::format("shapes differ: {} and {}", shape_text(a.shape), shape_text(b.shape));
  const std::vector<std::byte> bytes_a = file_a.read_bytes(a), bytes_b = file_b.read_bytes(b);
  if (a.type == b.type && bytes_a == bytes_b) return std::nullopt;
  const Difference difference = compare(values(a, bytes_a), values(b, bytes_b));
  if (difference.largest == 0) return std::nullopt;
  return fmt::format("values differ: by at most {:.3g}, {:.3g} of the largest value{}", difference.largest,
                     difference.largest / std::max(difference.magnitude, std::numeric_limits<double>::min()),
                     a.type == b.type ? "" : fmt::format(" ({} and {})", name_of(a.type), name_of(b.type)));
}

void print_line(const WeightsEntry& entry, const std::string& text) {
  fmt::print("{:<52} {}\n", printable(entry.name), text);
}

}  // namespace

int diff_weights(const WeightsFile& a, const WeightsFile& b) {
  std::int64_t equal = 0, different = 0, only_a = 0, only_b = 0;
  for (const WeightsEntry& entry : a.tensors()) {
    const WeightsEntry* other = b.find(entry.name);
    if (other == nullptr) {
      print_line(entry, fmt::format("only in {}", a.path()));
      ++only_a;
    } else if (const auto difference = describe_difference(a, entry, b, *other)) {
      print_line(entry, *difference);
      ++different;
    } else {
      ++equal;
    }
  }
  for (const WeightsEntry& entry : b.tensors()) {
    if (a.find(entry.name) != nullptr) continue;
    print_line(entry, fmt::format("only in {}", b.path()));
    ++only_b;
  }
  fmt::print("{} tensors are equal, {} differ, {} are only in {}, {} only in {}\n", equal, different, only_a, a.path(),
             only_b, b.path());
  return different + only_a + only_b == 0 ? 0 : 1;
}

}  // namespace weft::tools
