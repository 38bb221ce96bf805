#pragma once
// NumPy's broadcasting: axes are matched from the last; an axis of size 1, or a missing one, repeats.

#include <vector>

#include "core/tensor.h"

namespace weft {

/// The shape of a op b. Throws Error naming `op` where the shapes don't match.
Shape broadcast_shape(const char* op, const Shape& a, const Shape& b);

/// The adjoint of broadcasting `shape` to t's shape: sums t over the axes that were repeated.
Tensor sum_to_shape(const Tensor& t, const Shape& shape);

/// How the elements of a tensor are walked through together with two others that broadcast to its shape: in rows of
/// neighbours, of some hundred elements where there are as many. Axes along which both keep step, or both repeat, are
/// walked as one; a long one is cut.
class BroadcastRows {
 public:
  BroadcastRows(const Shape& shape, const Shape& a, const Shape& b);

  std::int64_t count() const { return count_; }    // of rows
  std::int64_t length() const { return length_; }  // of the longest, in elements

  /// What a row meets of an operand, and where the next rows do.
  struct Operand {
    std::vector<std::int64_t> places = {0};  // of its elements, from the row's first on
    bool is_contiguous = true;               // places are 0, 1, 2, ...
    std::vector<std::int64_t> steps = {};    // along the axes outside of a row, the last first
  };
  const Operand& a() const { return a_; }
  const Operand& b() const { return b_; }
  /// True where no two rows meet the same element of b.
  bool rows_share_nothing_of_b() const;

  /// Calls f(i, length, ja, jb) for rows first to last - 1: i is a row's first element, ja and jb what that one meets.
  template <class F>
  void for_rows(std::int64_t first, std::int64_t last, F&& f) const {
    std::vector<std::int64_t> index(sizes_.size());
    std::int64_t ja = 0, jb = 0, rest = first;
    for (std::size_t axis = 0; axis < sizes_.size(); ++axis) {
      index[axis] = rest % sizes_[axis];
      rest /= sizes_[axis];
      ja += index[axis] * a_.steps[axis];
      jb += index[axis] * b_.steps[axis];
    }
    std::int64_t i = first * length_ - first / sizes_[0] * (length_ - last_length_);
    for (std::int64_t row = first; row < last; ++row) {
      const std::int64_t length = index[0] + 1 == sizes_[0] ? last_length_ : length_;
      f(i, length, ja, jb);
      i += length;
      for (std::size_t axis = 0; axis < sizes_.size(); ++axis) {
        ja += a_.steps[axis];
        jb += b_.steps[axis];
        if (++index[axis] < sizes_[axis]) break;
        ja -= a_.steps[axis] * index[axis];
        jb -= b_.steps[axis] * index[axis];
        index[axis] = 0;
      }
    }
  }

 private:
  std::int64_t count_ = 1, length_ = 1;
  std::int64_t last_length_ = 1;     // of the last row along the first of these axes
  std::vector<std::int64_t> sizes_;  // of the axes outside of a row, the last first
  Operand a_, b_;
};

/// An operand's elements for one row after the other, as neighbours: where they lie, or copied, and kept for as long as
/// rows meet the same.
template <class T>
class RowReader {
 public:
  RowReader(const BroadcastRows::Operand& operand, const T* values)
      : operand_(operand), values_(values), row_(operand.is_contiguous ? 0 : operand.places.size()) {}

  /// Those of the row whose first meets the element `place`.
  const T* at(std::int64_t place) {
    if (operand_.is_contiguous) return values_ + place;
    if (place != place_) {
      place_ = place;
      for (std::size_t k = 0; k < row_.size(); ++k) row_[k] = values_[place + operand_.places[k]];
    }
    return row_.data();
  }

 private:
  const BroadcastRows::Operand& operand_;
  const T* values_;
  std::vector<T> row_;
  std::int64_t place_ = -1;
};

}  // namespace weft
