#pragma once
// The part of Python's pickle that a state dict needs, and nothing else.
//
// A pickle is a program for a stack machine, and in Python it may import and call anything. This machine has
// the opcodes of protocol 2 that torch.save emits for dictionaries, lists, numbers, strings and tensors; its
// imports are a closed list, and a "call" only makes one of the values below. Anything else is refused by name:
//
//   model.pth: refused: data.pkl imports os.system
//
// Values lie in an arena and refer to each other by pointer, so that a pickle that holds itself, or the same
// list a million times, costs no more than its bytes. A value lives as long as the Pickle and its input.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/formats/element_type.h"

namespace weft {

struct PickleValue;

struct PickleNone {};
struct PickleBigInteger {};  // beyond 64 bits: no weight needs it
struct PickleTuple {
  std::vector<const PickleValue*> items;
};
struct PickleList {
  std::vector<const PickleValue*> items;
};
/// A dict or an OrderedDict, in the order of insertion; a key may appear twice.
struct PickleDict {
  std::vector<std::pair<const PickleValue*, const PickleValue*>> items;
};
/// One of the imports that are allowed.
struct PickleGlobal {
  enum class Kind { ordered_dict, rebuild_tensor, rebuild_tensor_v2, rebuild_parameter, parameter, storage, skipped };
  Kind kind;
  ElementType type;  // of a storage
};
/// A run of `count` numbers under `key`, of which a tensor may use those from `begin` to `end`.
struct PickleStorage {
  ElementType type;
  std::string_view key;
  std::int64_t count, begin, end;
};
/// A view of a storage. Offset and strides are in numbers; all indices lie inside the storage.
struct PickleTensor {
  PickleStorage storage;
  std::int64_t offset;
  std::vector<std::int64_t> shape, strides;
};
/// What training programs put beside the tensors: a numpy number, an argparse.Namespace. Nothing is built for it, and
/// what it was made of is forgotten.
struct PickleSkipped {};
/// An old Parameter between its creation and the state that gives it its tensor.
struct PickleEmptyParameter {};

struct PickleValue {
  std::variant<PickleNone, bool, std::int64_t, PickleBigInteger, double, std::string_view, PickleTuple, PickleList,
               PickleDict, PickleGlobal, PickleStorage, PickleTensor, PickleEmptyParameter, PickleSkipped>
      value;

  /// The value as a T, nullptr where it is something else.
  template <class T>
  const T* as() const {
    return std::get_if<T>(&value);
  }
  /// "a list", "an integer", ... for messages.
  std::string_view kind() const;
};

class Pickle {
 public:
  /// Runs the pickle at the beginning of `bytes`. `file` and `part` ("model.pth", "data.pkl") name it in messages.
  /// Throws Error for anything that is not on the list, and for more than a million values.
  Pickle(std::span<const std::byte> bytes, const std::string& file, const std::string& part);
  Pickle(Pickle&&) = default;
  Pickle& operator=(Pickle&&) = default;

  const PickleValue& root() const { return *root_; }
  /// All storages that it names, by key.
  const std::map<std::string_view, PickleStorage>& storages() const { return storages_; }
  /// The bytes that it took, with its STOP.
  std::size_t length() const { return length_; }

 private:
  std::deque<PickleValue> arena_;
  const PickleValue* root_ = nullptr;
  std::map<std::string_view, PickleStorage> storages_;
  std::size_t length_ = 0;
};

}  // namespace weft
