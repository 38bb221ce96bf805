#include "core/formats/pickle_calls.h"

#include <array>

#include "core/check.h"
#include "core/formats/printable.h"

namespace weft {

namespace {

using Kind = PickleGlobal::Kind;

constexpr std::size_t max_rank = 16;  // weights have up to 5

struct Import {
  std::string_view module, name;
  PickleGlobal global;
};

constexpr Import storage(std::string_view name, ElementType type) { return {"torch", name, {Kind::storage, type}}; }

constexpr std::array imports{
    Import{"collections", "OrderedDict", {Kind::ordered_dict, {}}},
    Import{"torch._utils", "_rebuild_tensor_v2", {Kind::rebuild_tensor_v2, {}}},
    Import{"torch._utils", "_rebuild_tensor", {Kind::rebuild_tensor, {}}},
    Import{"torch._utils", "_rebuild_parameter", {Kind::rebuild_parameter, {}}},
    Import{"torch.nn.parameter", "Parameter", {Kind::parameter, {}}},
    // Beside the tensors: a best score that numpy computed, the options of the program.
    Import{"numpy.core.multiarray", "scalar", {Kind::skipped, {}}},
    Import{"numpy._core.multiarray", "scalar", {Kind::skipped, {}}},
    Import{"numpy", "dtype", {Kind::skipped, {}}},
    Import{"_codecs", "encode", {Kind::skipped, {}}},  // bytes, in protocol 2
    Import{"argparse", "Namespace", {Kind::skipped, {}}},
    storage("FloatStorage", ElementType::F32),
    storage("DoubleStorage", ElementType::F64),
    storage("HalfStorage", ElementType::F16),
    storage("BFloat16Storage", ElementType::BF16),
    storage("LongStorage", ElementType::I64),
    storage("IntStorage", ElementType::I32),
    storage("ShortStorage", ElementType::I16),
    storage("CharStorage", ElementType::I8),
    storage("ByteStorage", ElementType::U8),
    storage("BoolStorage", ElementType::BOOL),
};

/// The argument at `i` as a T; throws where it is missing or something else.
template <class T>
const T& argument(const PickleTuple& arguments, std::size_t i, const std::string& where, const char* what) {
  WEFT_CHECK(i < arguments.items.size(), "{}: {} is missing", where, what);
  const T* value = arguments.items[i]->as<T>();
  WEFT_CHECK(value, "{}: {} is {}", where, what, arguments.items[i]->kind());
  return *value;
}

std::vector<std::int64_t> integers(const PickleTuple& tuple, const std::string& where, const char* what) {
  WEFT_CHECK(tuple.items.size() <= max_rank, "{}: {} has {} numbers, the limit is {}", where, what, tuple.items.size(),
             max_rank);
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 0; i < tuple.items.size(); ++i) {
    numbers.push_back(argument<std::int64_t>(tuple, i, where, what));
    WEFT_CHECK(numbers.back() >= 0, "{}: {} holds {}; negative ones are refused", where, what, numbers.back());
  }
  return numbers;
}

/// The last index that the tensor touches, offset + sum of (size - 1) stride; nullopt where that leaves int64.
std::optional<std::int64_t> last_index(const PickleTensor& tensor) {
  std::int64_t last = tensor.offset;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    std::int64_t step = 0;
    if (__builtin_mul_overflow(tensor.shape[i] - 1, tensor.strides[i], &step)) return std::nullopt;
    if (__builtin_add_overflow(last, step, &last)) return std::nullopt;
  }
  return last;
}

/// _rebuild_tensor(storage, offset, size, stride), of which _rebuild_tensor_v2 has more arguments that do not matter
/// here.
PickleTensor rebuild_tensor(const PickleTuple& arguments, const std::string& where) {
  const auto& storage = argument<PickleStorage>(arguments, 0, where, "a tensor's storage");
  PickleTensor tensor{
      storage, argument<std::int64_t>(arguments, 1, where, "a tensor's offset"),
      integers(argument<PickleTuple>(arguments, 2, where, "a tensor's size"), where, "a tensor's size"),
      integers(argument<PickleTuple>(arguments, 3, where, "a tensor's stride"), where, "a tensor's stride")};
  WEFT_CHECK(tensor.shape.size() == tensor.strides.size(), "{}: a tensor has size {} and stride {}", where,
             shape_text(tensor.shape), shape_text(tensor.strides));
  WEFT_CHECK(tensor.offset >= 0, "{}: a tensor has offset {}", where, tensor.offset);
  WEFT_CHECK(!__builtin_add_overflow(tensor.offset, storage.begin, &tensor.offset), "{}: a tensor's offset overflows",
             where);

  // Along an axis of one number nobody steps, and anything may be written there.
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    if (tensor.shape[i] == 1) tensor.strides[i] = 0;
  }

  // A tensor may not say a number twice (as an expanded one does): a small file could ask for any amount of memory.
  const auto count = element_count(tensor.shape);
  WEFT_CHECK(count && *count <= storage.end - storage.begin,
             "{}: refused: a tensor of shape {} in storage '{}', which has {} numbers", where, shape_text(tensor.shape),
             printable(storage.key), storage.end - storage.begin);
  const auto last = last_index(tensor);
  WEFT_CHECK(*count == 0 || (last && *last < storage.end),
             "{}: refused: a tensor of shape {}, stride {} and offset {} leaves storage '{}' of {} numbers", where,
             shape_text(tensor.shape), shape_text(tensor.strides), tensor.offset, printable(storage.key),
             storage.count);
  return tensor;
}

/// OrderedDict(), or OrderedDict([[key, value], ...]) as Python 2 wrote it.
PickleDict ordered_dict(const PickleTuple& arguments, const std::string& where) {
  PickleDict dict;
  if (arguments.items.empty()) return dict;
  for (const PickleValue* pair : argument<PickleList>(arguments, 0, where, "OrderedDict's argument").items) {
    const auto* list = pair->as<PickleList>();
    const auto* tuple = pair->as<PickleTuple>();
    WEFT_CHECK(list || tuple, "{}: OrderedDict is given {} where a pair should be", where, pair->kind());
    const auto& items = list ? list->items : tuple->items;
    WEFT_CHECK(items.size() == 2, "{}: OrderedDict is given {} values where a pair should be", where, items.size());
    dict.items.emplace_back(items[0], items[1]);
  }
  return dict;
}

}  // namespace

std::optional<PickleGlobal> allowed_global(std::string_view module, std::string_view name) {
  for (const Import& import : imports) {
    if (import.module == module && import.name == name) return import.global;
  }
  return std::nullopt;
}

PickleValue call_global(const PickleGlobal& global, const PickleTuple& arguments, const std::string& where) {
  switch (global.kind) {
    case Kind::ordered_dict:
      return {ordered_dict(arguments, where)};
    case Kind::rebuild_tensor:
    case Kind::rebuild_tensor_v2:
      return {rebuild_tensor(arguments, where)};
    case Kind::rebuild_parameter:
      return {argument<PickleTensor>(arguments, 0, where, "a parameter's tensor")};
    case Kind::parameter:
      if (arguments.items.empty()) return {PickleEmptyParameter{}};
      return {argument<PickleTensor>(arguments, 0, where, "a parameter's tensor")};
    case Kind::skipped:
      return {PickleSkipped{}};
    case Kind::storage:
      break;
  }
  fail("{}: refused: it calls a storage type", where);
}

PickleStorage storage_of_persistent_id(const PickleValue& id, const std::string& where) {
  const auto* tuple = id.as<PickleTuple>();
  WEFT_CHECK(tuple, "{}: a persistent id is {}", where, id.kind());
  const auto kind = argument<std::string_view>(*tuple, 0, where, "a persistent id's kind");
  WEFT_CHECK(kind == "storage", "{}: refused: a persistent id of kind '{}'", where, printable(kind, 40));
  const auto& type = argument<PickleGlobal>(*tuple, 1, where, "a storage's type");
  WEFT_CHECK(type.kind == Kind::storage, "{}: a storage's type is a function", where);
  const auto key = argument<std::string_view>(*tuple, 2, where, "a storage's key");
  const auto count = argument<std::int64_t>(*tuple, 4, where, "a storage's size");
  WEFT_CHECK(count >= 0, "{}: storage '{}' has {} numbers", where, printable(key), count);

  PickleStorage storage{type.type, key, count, 0, count};
  if (tuple->items.size() > 5 && !tuple->items[5]->as<PickleNone>()) {  // (key of the view, offset, size)
    const auto& view = argument<PickleTuple>(*tuple, 5, where, "a storage's view");
    const auto offset = argument<std::int64_t>(view, 1, where, "a view's offset");
    const auto size = argument<std::int64_t>(view, 2, where, "a view's size");
    WEFT_CHECK(offset >= 0 && size >= 0 && offset <= count && size <= count - offset,
               "{}: refused: a view of {} numbers from {} leaves storage '{}' of {}", where, size, offset,
               printable(key), count);
    storage.begin = offset;
    storage.end = offset + size;
  }
  return storage;
}

}  // namespace weft
