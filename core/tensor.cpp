#include "core/tensor.h"

#include <algorithm>
#include <cstring>

#include "core/allocator.h"
#include "core/autograd.h"
#include "core/parallel.h"

namespace weft {

struct Storage {
  explicit Storage(std::int64_t bytes) : block(cached_allocate(static_cast<std::size_t>(bytes))) {}
  ~Storage() { cached_free(block); }
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  void* block;
  std::uint64_t version = 0;
};

struct Tensor::Body {
  std::shared_ptr<Storage> storage;
  Shape shape;
  DType dtype;
  std::shared_ptr<Node> node = nullptr;    // null: no gradient is wanted
  std::int64_t offset = 0;                 // of the first element in the storage, in bytes
  std::shared_ptr<Graph> graph = nullptr;  // not null: the tensor has no numbers, and no storage
  int graph_value = -1;

  char* data() const { return static_cast<char*>(storage->block) + offset; }
};

const char* dtype_name(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "float32";
    case DType::f64:
      return "float64";
    case DType::i64:
      return "int64";
    case DType::u8:
      return "uint8";
  }
  fail("[tensor] {} is no type of elements", static_cast<int>(dtype));
}

std::int64_t dtype_bytes(DType dtype) {
  switch (dtype) {
    case DType::u8:
      return 1;
    case DType::f32:
      return 4;
    case DType::f64:
    case DType::i64:
      return 8;
  }
  fail("[tensor] {} is no type of elements", static_cast<int>(dtype));
}

Tensor Tensor::empty(const Shape& shape, DType dtype) {
  auto storage = std::make_shared<Storage>(shape.count() * dtype_bytes(dtype));
  return Tensor(std::make_shared<Body>(Body{std::move(storage), shape, dtype}));
}

Tensor Tensor::without_numbers(const Shape& shape, DType dtype, std::shared_ptr<Graph> graph, int value) {
  return Tensor(std::make_shared<Body>(Body{nullptr, shape, dtype, nullptr, 0, std::move(graph), value}));
}

Tensor Tensor::part(std::int64_t offset, const Shape& wanted, DType type) const {
  const std::int64_t size = wanted.count() * dtype_bytes(type);
  WEFT_CHECK(offset >= 0 && offset + size <= bytes(), "[part] {} bytes from {} on leave a buffer of {}", size, offset,
             bytes());
  const Body& whole = body_with_numbers("part");
  return Tensor(std::make_shared<Body>(Body{whole.storage, wanted, type, nullptr, whole.offset + offset}));
}

Tensor Tensor::full(const Shape& shape, double value, DType dtype) {
  Tensor t = empty(shape, dtype);
  t.fill(value);
  return t;
}

template <class T>
Tensor Tensor::from(const Shape& shape, std::span<const T> values) {
  WEFT_CHECK(static_cast<std::int64_t>(values.size()) == shape.count(), "[tensor] shape {} wants {} values, got {}",
             shape, shape.count(), values.size());
  Tensor t = empty(shape, dtype_of<T>);
  std::copy(values.begin(), values.end(), t.mutable_data<T>());
  return t;
}
template Tensor Tensor::from<float>(const Shape&, std::span<const float>);
template Tensor Tensor::from<double>(const Shape&, std::span<const double>);
template Tensor Tensor::from<std::int64_t>(const Shape&, std::span<const std::int64_t>);

const Tensor::Body& Tensor::body() const {
  WEFT_CHECK(defined(), "[tensor] this tensor is undefined: it was never given a value");
  return *body_;
}

const Shape& Tensor::shape() const { return body().shape; }
DType Tensor::dtype() const { return body().dtype; }
bool Tensor::has_numbers() const { return body().storage != nullptr; }
const std::shared_ptr<Graph>& Tensor::graph() const { return body().graph; }
int Tensor::graph_value() const { return body().graph_value; }

const Tensor::Body& Tensor::body_with_numbers(const char* op) const {
  WEFT_CHECK(has_numbers(), "[{}] this tensor {} has a shape and no numbers: {}", op, shape(),
             body().graph == nullptr
                 ? "they were let go of, as the network is only run from now on"
                 : "it is a value of a graph that is being captured. What looks at numbers can't be "
                   "captured; run it as it stands, without a plan");
  return *body_;
}

const void* Tensor::raw_data() const { return body_with_numbers("data").data(); }
std::uint64_t Tensor::version() const { return has_numbers() ? body().storage->version : 0; }
bool Tensor::is_sole_owner() const { return body_.use_count() == 1 && body().storage.use_count() == 1; }

bool Tensor::shares_buffer_with(const Tensor& other) const {
  return defined() && other.defined() && has_numbers() && body().storage == other.body().storage &&
         body().offset == other.body().offset;
}

Nhwc Tensor::nhwc() const {
  WEFT_CHECK(rank() == 4, "[tensor] expected [N, H, W, C], got {}", shape());
  return {size(0), size(1), size(2), size(3)};
}

const void* Tensor::checked_data(DType wanted) const {
  WEFT_CHECK(dtype() == wanted, "[tensor] expected {}, got {} {}", dtype_name(wanted), dtype_name(dtype()), shape());
  return body_with_numbers("data").data();
}

void* Tensor::checked_mutable_data(DType wanted) const {
  void* block = const_cast<void*>(checked_data(wanted));
  ++body_->storage->version;
  return block;
}

double Tensor::item() const {
  WEFT_CHECK(count() == 1, "[item] expected a single element, got {}", shape());
  body_with_numbers("item");
  switch (dtype()) {
    case DType::f32:
      return static_cast<double>(*data<float>());
    case DType::f64:
      return *data<double>();
    case DType::i64:
      return static_cast<double>(*data<std::int64_t>());
    case DType::u8:
      return static_cast<double>(*data<std::uint8_t>());
  }
  fail("[item] {} is no type of elements", static_cast<int>(dtype()));
}

Tensor Tensor::clone() const {
  Tensor copy = empty(shape(), dtype());
  copy.copy_from(*this);
  return copy;
}

Tensor Tensor::to(DType wanted) const {
  if (wanted == dtype()) return clone();
  WEFT_CHECK(dtype() != DType::u8 && wanted != DType::u8, "[to] places in a window are not converted, got {}", shape());
  Tensor copy = empty(shape(), wanted);
  const auto convert = [&](auto from, auto into) {
    using From = decltype(from);
    using Into = decltype(into);
    const auto source = values<From>();
    std::transform(source.begin(), source.end(), copy.mutable_data<Into>(),
                   [](From v) { return static_cast<Into>(v); });
  };
  const auto from = [&](auto source) {
    if (wanted == DType::f32) convert(source, float{});
    if (wanted == DType::f64) convert(source, double{});
    if (wanted == DType::i64) convert(source, std::int64_t{});
  };
  if (dtype() == DType::f32) from(float{});
  if (dtype() == DType::f64) from(double{});
  if (dtype() == DType::i64) from(std::int64_t{});
  return copy;
}

Tensor Tensor::view(const Shape& wanted) const {
  WEFT_CHECK(wanted.count() == count(), "[view] {} elements do not fit shape {}: the tensor is {}", count(), wanted,
             shape());
  if (!has_numbers()) {
    WEFT_CHECK(wanted == shape(), "[view] a tensor without numbers is reshaped by reshape(): {} to {}", shape(),
               wanted);
    return without_numbers(wanted, dtype(), body().graph, body().graph_value);
  }
  return Tensor(std::make_shared<Body>(Body{body().storage, wanted, dtype(), nullptr, body().offset}));
}

void Tensor::release_numbers() const {
  body();  // throws where there is none
  body_->storage.reset();
}

void Tensor::copy_from(const Tensor& source) const {
  WEFT_CHECK(source.shape() == shape() && source.dtype() == dtype(), "[copy] expected {} {}, got {} {}",
             dtype_name(dtype()), shape(), dtype_name(source.dtype()), source.shape());
  char* into = static_cast<char*>(checked_mutable_data(dtype()));
  const char* from = static_cast<const char*>(source.raw_data());
  parallel_chunks(bytes(), std::int64_t{1} << 20, [&](std::int64_t begin, std::int64_t end) {
    std::memcpy(into + begin, from + begin, static_cast<std::size_t>(end - begin));
  });
}

void Tensor::fill(double value) const {
  if (dtype() == DType::i64) {
    std::fill_n(mutable_data<std::int64_t>(), count(), static_cast<std::int64_t>(value));
    return;
  }
  dispatch_float(dtype(), "fill", [&](auto zero) {
    using T = decltype(zero);
    T* into = mutable_data<T>();
    // In large pieces: a network's parameters are then filled without threads, whose start is most of a small
    // program's loading time.
    parallel_chunks(count(), std::int64_t{1} << 22, [&](std::int64_t begin, std::int64_t end) {
      std::fill(into + begin, into + end, static_cast<T>(value));
    });
  });
}

void Tensor::replace(const Tensor& source) const {
  const bool is_leaf = requires_grad();
  set_requires_grad(false);  // throws for the result of an operation
  const std::uint64_t version = body_->storage->version;
  body_->storage = source.body_with_numbers("replace").storage;
  body_->offset = source.body().offset;
  body_->storage->version += version + 1;  // versions seen through a handle only grow
  body_->shape = source.shape();
  body_->dtype = source.dtype();
  set_requires_grad(is_leaf);
}

bool Tensor::requires_grad() const { return defined() && body_->node != nullptr; }
const std::shared_ptr<Node>& Tensor::node() const { return body().node; }
void Tensor::set_node(std::shared_ptr<Node> node) const {
  body();  // throws where there is none
  body_->node = std::move(node);
}

void check_same_dtype(const char* op, std::initializer_list<Tensor> tensors) {
  const DType expected = tensors.begin()->dtype();
  for (const Tensor& t : tensors) {
    WEFT_CHECK(!t.defined() || t.dtype() == expected, "[{}] expected {} everywhere, got {} {}", op,
               dtype_name(expected), dtype_name(t.dtype()), t.shape());
  }
}

}  // namespace weft
