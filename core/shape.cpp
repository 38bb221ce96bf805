#include "core/shape.h"

#include <fmt/ranges.h>

#include "core/check.h"

namespace weft {

Shape::Shape(std::span<const std::int64_t> sizes) {
  WEFT_CHECK(sizes.size() <= max_rank, "[shape] expected at most {} axes, got [{}]", max_rank, fmt::join(sizes, ", "));
  std::int64_t product = 1;
  for (std::int64_t size : sizes) {
    WEFT_CHECK(size >= 0, "[shape] expected sizes of 0 or more, got [{}]", fmt::join(sizes, ", "));
    WEFT_CHECK(size == 0 || product <= (std::int64_t{1} << 59) / size, "[shape] too many elements in [{}]",
               fmt::join(sizes, ", "));
    product *= size;
    sizes_[static_cast<std::size_t>(rank_++)] = size;
  }
}

int Shape::index_of(int axis) const {
  WEFT_CHECK(axis >= -rank_ && axis < rank_, "[shape] axis {} does not exist in {}", axis, to_string());
  return axis < 0 ? axis + rank_ : axis;
}

std::int64_t Shape::count() const {
  std::int64_t product = 1;
  for (std::int64_t size : sizes()) product *= size;
  return product;
}

std::string Shape::to_string() const { return fmt::format("[{}]", fmt::join(sizes(), ", ")); }

}  // namespace weft

fmt::format_context::iterator fmt::formatter<weft::Shape>::format(const weft::Shape& shape,
                                                                  fmt::format_context& context) const {
  return fmt::format_to(context.out(), "{}", shape.to_string());
}
