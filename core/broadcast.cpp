#include "core/broadcast.h"

#include <algorithm>
#include <utility>

#include "core/operation.h"
#include "core/parallel.h"

namespace weft {

Shape broadcast_shape(const char* op, const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(rank));
  for (int axis = 1; axis <= rank; ++axis) {
    const std::int64_t in_a = axis <= a.rank() ? a[-axis] : 1;
    const std::int64_t in_b = axis <= b.rank() ? b[-axis] : 1;
    WEFT_CHECK(in_a == in_b || in_a == 1 || in_b == 1, "[{}] shapes {} and {} do not broadcast", op, a, b);
    sizes[static_cast<std::size_t>(rank - axis)] = in_a == 1 ? in_b : in_a;
  }
  return Shape(std::span<const std::int64_t>(sizes));
}

namespace {

/// What is copied of a row stays in the fastest cache.
constexpr std::int64_t longest_row = 1024;
/// Chunks of a sum, each with sums of its own that are added in order: enough for threads to share, few to add.
constexpr std::int64_t most_chunks = 64;
constexpr std::int64_t smallest_chunk = 1 << 14;  // elements

struct Axis {
  std::int64_t size, step_a, step_b;
};

/// The step in elements that one step along each axis of `to` makes in a tensor of shape `from`: 0 where it repeats.
std::vector<std::int64_t> strides_in(const Shape& from, const Shape& to) {
  std::vector<std::int64_t> strides(static_cast<std::size_t>(to.rank()), 0);
  std::int64_t stride = 1;
  for (int axis = 1; axis <= from.rank(); ++axis) {
    if (from[-axis] != 1) strides[static_cast<std::size_t>(to.rank() - axis)] = stride;
    stride *= from[-axis];
  }
  return strides;
}

/// The axes, the last first, those joined that are walked as one.
std::vector<Axis> joined_axes(const Shape& shape, const Shape& a, const Shape& b) {
  const auto in_a = strides_in(a, shape), in_b = strides_in(b, shape);
  std::vector<Axis> axes;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    const Axis axis{shape[i], in_a[static_cast<std::size_t>(i)], in_b[static_cast<std::size_t>(i)]};
    if (axis.size == 1) continue;
    const bool joins = !axes.empty() && axis.step_a == axes.back().step_a * axes.back().size &&
                       axis.step_b == axes.back().step_b * axes.back().size;
    joins ? void(axes.back().size *= axis.size) : axes.push_back(axis);
  }
  if (axes.empty()) axes.push_back({1, 1, 1});
  return axes;
}

}  // namespace

BroadcastRows::BroadcastRows(const Shape& shape, const Shape& a, const Shape& b) {
  if (shape.count() == 0) {
    count_ = 0;
    return;
  }
  std::vector<Axis> axes = joined_axes(shape, a, b);
  const Axis whole = axes[0];
  const bool is_cut = whole.size > longest_row;
  if (is_cut) {
    axes[0].size = longest_row;
    const std::int64_t pieces = (whole.size + longest_row - 1) / longest_row;
    axes.insert(axes.begin() + 1, {pieces, longest_row * whole.step_a, longest_row * whole.step_b});
    last_length_ = whole.size - (pieces - 1) * longest_row;
  }
  const auto extend = [&](Operand& o, const Axis& axis, std::int64_t step) {
    o.is_contiguous = o.is_contiguous && step == length_;
    std::vector<std::int64_t> places;
    for (std::int64_t i = 0; i < axis.size; ++i) {
      for (const std::int64_t place : o.places) places.push_back(place + i * step);
    }
    o.places = std::move(places);
  };
  std::size_t inside = 0;
  do {
    extend(a_, axes[inside], axes[inside].step_a);
    extend(b_, axes[inside], axes[inside].step_b);
    length_ *= axes[inside].size;
    ++inside;
  } while (!is_cut && inside < axes.size() && length_ * axes[inside].size <= longest_row);
  for (std::size_t i = inside; i < axes.size(); ++i) {
    sizes_.push_back(axes[i].size);
    a_.steps.push_back(axes[i].step_a);
    b_.steps.push_back(axes[i].step_b);
    count_ *= axes[i].size;
  }
  if (sizes_.empty()) sizes_ = {1}, a_.steps = {0}, b_.steps = {0};
  if (!is_cut) last_length_ = length_;
}

bool BroadcastRows::rows_share_nothing_of_b() const {
  return count_ == 1 || std::all_of(b_.steps.begin(), b_.steps.end(), [](std::int64_t step) { return step != 0; });
}

Tensor sum_to_shape(const Tensor& t, const Shape& shape) {
  if (t.shape() == shape) return t;
  const auto run = [](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), "sum_to_shape", [&](auto zero) {
      using T = decltype(zero);
      const T* from = in[0].data<T>();
      T* into = out[0].mutable_data<T>();
      const BroadcastRows rows(in[0].shape(), in[0].shape(), out[0].shape());
      const std::int64_t sums_count = out[0].count(), length = rows.length();
      // Sums in double: a bias gradient adds a million terms. Each chunk of rows has its own, which are added in the
      // chunks' order, unless no two rows add to the same.
      const bool is_shared = !rows.rows_share_nothing_of_b();
      const std::int64_t fewest_rows =
          std::max(smallest_chunk, is_shared ? sums_count : 0) / std::max<std::int64_t>(length, 1);
      const std::int64_t chunk_rows =
          std::max<std::int64_t>({1, fewest_rows, (rows.count() + most_chunks - 1) / most_chunks});
      const std::int64_t chunks = (rows.count() + chunk_rows - 1) / chunk_rows;
      std::vector<double> sums(
          static_cast<std::size_t>(sums_count * (is_shared ? std::max<std::int64_t>(chunks, 1) : 1)));
      parallel_for(chunks, [&](std::int64_t chunk) {
        double* own = sums.data() + (is_shared ? chunk * sums_count : 0);
        std::vector<double> row(static_cast<std::size_t>(length), 0.0);
        std::int64_t place = -1, filled = 0;
        const auto empty_row = [&] {
          for (std::size_t k = 0; k < static_cast<std::size_t>(filled); ++k)
            own[place + rows.b().places[k]] += std::exchange(row[k], 0.0);
        };
        const std::int64_t first = chunk * chunk_rows, last = std::min(first + chunk_rows, rows.count());
        rows.for_rows(first, last, [&](std::int64_t i, std::int64_t n, std::int64_t, std::int64_t j) {
          if (j != place) {
            if (place >= 0) empty_row();
            place = j, filled = n;
          }
          const T* x = from + i;
          for (std::int64_t k = 0; k < n; ++k) row[static_cast<std::size_t>(k)] += static_cast<double>(x[k]);
        });
        if (place >= 0) empty_row();
      });
      for (std::int64_t j = 0; j < sums_count; ++j) {
        double sum = 0;
        for (std::int64_t chunk = 0; chunk < (is_shared ? chunks : 1); ++chunk)
          sum += sums[static_cast<std::size_t>(chunk * sums_count + j)];
        into[j] = static_cast<T>(sum);
      }
    });
  };
  return apply({.name = "sum_to_shape", .run = run}, {t}, TensorType{shape, t.dtype()});
}

}  // namespace weft
