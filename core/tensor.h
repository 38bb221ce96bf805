#pragma once
// A tensor: a shape over a shared, contiguous buffer.
//
// A Tensor is a cheap handle: copies share the buffer, as in PyTorch. Values are read through
// data<T>() and written through mutable_data<T>(); the latter counts a new version of the buffer,
// which is how the autograd engine notices that something it saved has been overwritten.
//
// float32 is the type of all work. float64 runs through the same operations, so that gradients can
// be checked in double. int64 only carries counters and class ids, uint8 places in a window.
//
// A tensor may have a shape and no numbers: it is a value of a graph that is being captured (core/graph.h). Operations
// take it as any other; whoever asks for its numbers gets an Error.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/check.h"
#include "core/shape.h"

namespace weft {

enum class DType { f32, f64, i64, u8 };

const char* dtype_name(DType dtype);
std::int64_t dtype_bytes(DType dtype);

/// Of float, double, std::int64_t and std::uint8_t; there are no tensors of other types.
template <class T>
constexpr DType dtype_of = [] {
  static_assert(sizeof(T) == 0, "no tensor has elements of this type");
  return DType::f32;
}();
template <>
inline constexpr DType dtype_of<float> = DType::f32;
template <>
inline constexpr DType dtype_of<double> = DType::f64;
template <>
inline constexpr DType dtype_of<std::int64_t> = DType::i64;
template <>
inline constexpr DType dtype_of<std::uint8_t> = DType::u8;

class Graph;     // core/graph.h
struct Node;     // core/autograd.h
struct Storage;  // core/tensor.cpp

/// Sizes of an image tensor [N, H, W, C], for structured bindings.
struct Nhwc {
  std::int64_t n, h, w, c;
};

class Tensor {
 public:
  /// Undefined: no shape, no buffer. Stands for "no gradient" and "not given".
  Tensor() = default;

  /// Undefined content. Throws Error where memory is out.
  static Tensor empty(const Shape& shape, DType dtype = DType::f32);
  static Tensor full(const Shape& shape, double value, DType dtype = DType::f32);
  static Tensor zeros(const Shape& shape, DType dtype = DType::f32) { return full(shape, 0, dtype); }
  /// A copy of `values`, whose number must be the shape's count.
  template <class T>
  static Tensor from(const Shape& shape, std::span<const T> values);
  template <class T>
  static Tensor from(const Shape& shape, const std::vector<T>& values) {
    return from(shape, std::span<const T>(values));
  }

  /// A value of a graph, without numbers: see capture() of core/graph.h.
  static Tensor without_numbers(const Shape& shape, DType dtype, std::shared_ptr<Graph> graph, int value);
  /// `shape` elements of `dtype` in the buffer of this tensor, `offset` bytes from its beginning; without history. What
  /// is written to either is seen in the other. Throws Error where they leave the buffer.
  Tensor part(std::int64_t offset, const Shape& shape, DType dtype) const;

  bool defined() const { return body_ != nullptr; }
  bool has_numbers() const;
  /// The graph that a tensor without numbers is a value of, and its number there; null and -1 for others.
  const std::shared_ptr<Graph>& graph() const;
  int graph_value() const;
  const Shape& shape() const;
  DType dtype() const;
  int rank() const { return shape().rank(); }
  std::int64_t size(int axis) const { return shape()[axis]; }
  std::int64_t count() const { return shape().count(); }
  std::int64_t bytes() const { return count() * dtype_bytes(dtype()); }
  /// Throws Error unless the rank is 4.
  Nhwc nhwc() const;

  /// The elements in row-major order. Throws Error where T is not the dtype.
  template <class T>
  const T* data() const {
    return static_cast<const T*>(checked_data(dtype_of<T>));
  }
  /// The same for writing: counts a new version of the buffer.
  template <class T>
  T* mutable_data() const {
    return static_cast<T*>(checked_mutable_data(dtype_of<T>));
  }
  template <class T>
  std::span<const T> values() const {
    return {data<T>(), static_cast<std::size_t>(count())};
  }
  const void* raw_data() const;

  /// The single element. Throws Error unless count() == 1.
  double item() const;

  /// A copy with its own buffer and no history.
  Tensor clone() const;
  /// A copy converted to `dtype`, without history.
  Tensor to(DType dtype) const;
  /// The same buffer under another shape of equal count, without history; the differentiable form is reshape().
  Tensor view(const Shape& shape) const;
  /// The same buffer without history.
  Tensor detach() const { return view(shape()); }
  /// Overwrites the elements with those of `source` (same shape and dtype).
  void copy_from(const Tensor& source) const;
  void fill(double value) const;
  /// Gives this handle and all its copies the buffer, shape and dtype of `source`. Only for tensors without history;
  /// a leaf's gradient is forgotten.
  void replace(const Tensor& source) const;

  /// The same for all copies of this handle, and for no other tensor while one of them lives.
  const void* identity() const { return body_.get(); }
  /// Lets go of the numbers for good, and keeps shape and type: for the weights of a network that will only be run, once
  /// they are packed. Whoever asks for them then gets an Error.
  void release_numbers() const;

  /// How often the buffer has been opened for writing.
  std::uint64_t version() const;
  /// True where this handle is the only way to reach the buffer, so that writing to it surprises nobody.
  bool is_sole_owner() const;
  bool shares_buffer_with(const Tensor& other) const;

  // Autograd: see core/autograd.h.

  bool requires_grad() const;
  /// Makes this a leaf that gathers a gradient, or stops it. Throws Error on the result of an operation.
  const Tensor& set_requires_grad(bool required) const;
  /// The gathered gradient of a leaf; undefined before the first backward().
  Tensor grad() const;
  void set_grad(const Tensor& gradient) const;
  /// Forgets the gradient.
  void zero_grad() const { set_grad(Tensor()); }
  /// Runs reverse mode from this tensor; see weft::backward().
  void backward() const;
  const std::shared_ptr<Node>& node() const;
  void set_node(std::shared_ptr<Node> node) const;

 private:
  struct Body;
  explicit Tensor(std::shared_ptr<Body> body) : body_(std::move(body)) {}
  const Body& body() const;
  const Body& body_with_numbers(const char* op) const;
  const void* checked_data(DType wanted) const;
  void* checked_mutable_data(DType wanted) const;

  std::shared_ptr<Body> body_;
};

using Tensors = std::vector<Tensor>;

/// Calls f(T{}) with T = float or double, as the dtype says. Throws Error for others, naming `op`.
template <class F>
decltype(auto) dispatch_float(DType dtype, const char* op, F&& f) {
  WEFT_CHECK(dtype == DType::f32 || dtype == DType::f64, "[{}] expected float32 or float64, got {}", op,
             dtype_name(dtype));
  return dtype == DType::f64 ? f(double{}) : f(float{});
}

/// Throws Error unless all defined tensors have the dtype of the first.
void check_same_dtype(const char* op, std::initializer_list<Tensor> tensors);

}  // namespace weft
