#pragma once
// The sizes of a tensor's axes, outermost first. Images are [N, H, W, C].

#include <fmt/core.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace weft {

class Shape {
 public:
  static constexpr int max_rank = 6;

  Shape() = default;  // rank 0: a scalar
  /// Throws Error for more than max_rank axes, a negative size, or a product beyond 2^59 (2^62 bytes of doubles).
  Shape(std::initializer_list<std::int64_t> sizes) : Shape(std::span(sizes.begin(), sizes.size())) {}
  explicit Shape(std::span<const std::int64_t> sizes);

  int rank() const { return rank_; }
  /// Size of an axis; negative axes count from the end. Throws Error outside [-rank, rank).
  std::int64_t operator[](int axis) const { return sizes_[static_cast<std::size_t>(index_of(axis))]; }
  /// An axis counted from the front, 0 <= axis < rank. Throws Error outside [-rank, rank).
  int index_of(int axis) const;
  /// Number of elements: the product of the sizes, 1 for rank 0.
  std::int64_t count() const;
  std::span<const std::int64_t> sizes() const { return {sizes_.data(), static_cast<std::size_t>(rank_)}; }

  bool operator==(const Shape&) const = default;
  /// "[2, 128, 128, 32]"
  std::string to_string() const;

 private:
  std::array<std::int64_t, max_rank> sizes_{};
  int rank_ = 0;
};

}  // namespace weft

template <>
struct fmt::formatter<weft::Shape> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  fmt::format_context::iterator format(const weft::Shape& shape, fmt::format_context& context) const;
};
