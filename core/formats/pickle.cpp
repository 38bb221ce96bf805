#include "core/formats/pickle.h"

#include <array>
#include <bit>
#include <cstring>
#include <unordered_map>

#include "core/check.h"
#include "core/formats/pickle_calls.h"
#include "core/formats/pickle_scan.h"
#include "core/formats/printable.h"

namespace weft {

namespace {

constexpr std::size_t max_values = 1'000'000, max_import_bytes = 200;

/// The opcodes that weft runs (Python's Lib/pickletools.py describes each).
enum class Op : std::uint8_t {
  PROTO = 0x80,
  STOP = '.',
  MARK = '(',
  NONE = 'N',
  NEWTRUE = 0x88,
  NEWFALSE = 0x89,
  BININT = 'J',
  BININT1 = 'K',
  BININT2 = 'M',
  LONG1 = 0x8A,
  BINFLOAT = 'G',
  BINUNICODE = 'X',
  SHORT_BINSTRING = 'U',
  EMPTY_TUPLE = ')',
  TUPLE = 't',
  TUPLE1 = 0x85,
  TUPLE2 = 0x86,
  TUPLE3 = 0x87,
  EMPTY_LIST = ']',
  APPEND = 'a',
  APPENDS = 'e',
  EMPTY_DICT = '}',
  SETITEM = 's',
  SETITEMS = 'u',
  BINPUT = 'q',
  LONG_BINPUT = 'r',
  BINGET = 'h',
  LONG_BINGET = 'j',
  GLOBAL = 'c',
  REDUCE = 'R',
  NEWOBJ = 0x81,
  BUILD = 'b',
  BINPERSID = 'Q',
};

/// The names of opcodes that a reader of the message may look for.
std::string_view name_of_refused(std::uint8_t opcode) {
  constexpr std::array<std::pair<std::uint8_t, std::string_view>, 14> names{{{'i', " (INST)"},
                                                                             {'o', " (OBJ)"},
                                                                             {'P', " (PERSID)"},
                                                                             {'0', " (POP)"},
                                                                             {'2', " (DUP)"},
                                                                             {0x82, " (EXT1)"},
                                                                             {0x83, " (EXT2)"},
                                                                             {0x84, " (EXT4)"},
                                                                             {0x8F, " (EMPTY_SET)"},
                                                                             {0x92, " (NEWOBJ_EX)"},
                                                                             {0x93, " (STACK_GLOBAL)"},
                                                                             {0x94, " (MEMOIZE)"},
                                                                             {0x95, " (FRAME)"},
                                                                             {0x97, " (NEXT_BUFFER)"}}};
  for (const auto& [code, name] : names) {
    if (code == opcode) return name;
  }
  return "";
}

class Machine {
 public:
  Machine(std::span<const std::byte> bytes, const std::string& file, const std::string& part,
          std::deque<PickleValue>& arena)
      : bytes_(bytes), file_(file), part_(part), where_(file + ": " + part), arena_(arena) {}

  const PickleValue* run() {
    while (true) {
      const auto opcode = number<std::uint8_t>();
      if (static_cast<Op>(opcode) == Op::STOP) break;
      step(opcode);
    }
    const PickleValue* root = pop();
    WEFT_CHECK(stack_.empty() && marks_.empty(), "{}: it stops with {} values left", where_, stack_.size());
    return root;
  }
  std::size_t position() const { return position_; }
  std::map<std::string_view, PickleStorage>& storages() { return storages_; }

 private:
  void step(std::uint8_t opcode) {
    switch (static_cast<Op>(opcode)) {
      case Op::PROTO: {
        const auto protocol = number<std::uint8_t>();
        WEFT_CHECK(protocol == 2, "{}: refused: {} is a pickle of protocol {}{}; weft reads 2, torch.save's own", file_,
                   part_, protocol, import_ahead());
        break;
      }
      case Op::MARK:
        marks_.push_back(stack_.size());
        break;
      case Op::NONE:
        push({PickleNone{}});
        break;
      case Op::NEWTRUE:
        push({true});
        break;
      case Op::NEWFALSE:
        push({false});
        break;
      case Op::BININT:
        push({std::int64_t{number<std::int32_t>()}});
        break;
      case Op::BININT1:
        push({std::int64_t{number<std::uint8_t>()}});
        break;
      case Op::BININT2:
        push({std::int64_t{number<std::uint16_t>()}});
        break;
      case Op::LONG1:
        push(long_integer(number<std::uint8_t>()));
        break;
      case Op::BINFLOAT:
        push({std::bit_cast<double>(__builtin_bswap64(number<std::uint64_t>()))});
        break;
      case Op::BINUNICODE:
        push({text(number<std::uint32_t>())});
        break;
      case Op::SHORT_BINSTRING:
        push({text(number<std::uint8_t>())});
        break;
      case Op::EMPTY_TUPLE:
        push({PickleTuple{}});
        break;
      case Op::TUPLE:
        push({PickleTuple{pop_to_mark()}});
        break;
      case Op::TUPLE1:
        push({PickleTuple{pop_last(1)}});
        break;
      case Op::TUPLE2:
        push({PickleTuple{pop_last(2)}});
        break;
      case Op::TUPLE3:
        push({PickleTuple{pop_last(3)}});
        break;
      case Op::EMPTY_LIST:
        push({PickleList{}});
        break;
      case Op::APPEND:
        append(pop_last(1));
        break;
      case Op::APPENDS:
        append(pop_to_mark());
        break;
      case Op::EMPTY_DICT:
        push({PickleDict{}});
        break;
      case Op::SETITEM:
        set_items(pop_last(2));
        break;
      case Op::SETITEMS:
        set_items(pop_to_mark());
        break;
      case Op::BINPUT:
        memo_[number<std::uint8_t>()] = top();
        break;
      case Op::LONG_BINPUT:
        memo_[number<std::uint32_t>()] = top();
        break;
      case Op::BINGET:
        get(number<std::uint8_t>());
        break;
      case Op::LONG_BINGET:
        get(number<std::uint32_t>());
        break;
      case Op::GLOBAL:
        import();
        break;
      case Op::REDUCE:
      case Op::NEWOBJ:
        call();
        break;
      case Op::BUILD:
        build();
        break;
      case Op::BINPERSID:
        push({find_storage(*pop())});
        break;
      default:
        fail("{}: refused: {} uses opcode 0x{:02x}{} at byte {}{}", file_, part_, opcode, name_of_refused(opcode),
             position_ - 1, import_ahead());
    }
  }

  /// Whatever opcode is met first, what a hostile pickle is after is the better reason.
  std::string import_ahead() const {
    const std::string global = unknown_global(bytes_);
    return global.empty() ? "" : fmt::format(" and imports {}", printable(global));
  }

  // ---- the bytes ----

  std::span<const std::byte> take(std::size_t count) {
    WEFT_CHECK(count <= bytes_.size() - position_, "{}: it is cut short: {} bytes are wanted at byte {} of {}", where_,
               count, position_, bytes_.size());
    position_ += count;
    return bytes_.subspan(position_ - count, count);
  }
  template <class Number>
  Number number() {
    Number value;
    std::memcpy(&value, take(sizeof(Number)).data(), sizeof(Number));
    return value;
  }
  std::string_view text(std::size_t length) { return {reinterpret_cast<const char*>(take(length).data()), length}; }
  std::string_view line() {
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + position_, bytes_.size() - position_);
    const std::size_t end = rest.substr(0, max_import_bytes).find('\n');
    WEFT_CHECK(end != std::string_view::npos, "{}: the name of an import does not end", where_);
    position_ += end + 1;
    return rest.substr(0, end);
  }
  /// Two's complement of any length, the lowest byte first.
  PickleValue long_integer(std::size_t length) {
    const std::span<const std::byte> digits = take(length);
    if (length > sizeof(std::int64_t)) return {PickleBigInteger{}};
    const bool negative = length > 0 && (digits.back() & std::byte{0x80}) != std::byte{0};
    std::int64_t value = negative ? -1 : 0;
    if (length > 0) std::memcpy(&value, digits.data(), length);
    return {value};
  }

  // ---- the stack ----

  PickleValue* push(PickleValue value) {
    check_budget(arena_.size());
    arena_.push_back(std::move(value));
    stack_.push_back(&arena_.back());
    return stack_.back();
  }
  void check_budget(std::size_t used) const {
    WEFT_CHECK(used < max_values, "{}: refused: {} makes more than {} values", file_, part_, max_values);
  }
  /// How many values an opcode may take: those above the last mark.
  std::size_t available() const { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }
  PickleValue* top() {
    WEFT_CHECK(available() > 0, "{}: the stack is empty at byte {}", where_, position_);
    return stack_.back();
  }
  PickleValue* pop() {
    PickleValue* value = top();
    stack_.pop_back();
    return value;
  }
  std::vector<const PickleValue*> pop_last(std::size_t count) {
    WEFT_CHECK(available() >= count, "{}: the stack is empty at byte {}", where_, position_);
    std::vector<const PickleValue*> values(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return values;
  }
  std::vector<const PickleValue*> pop_to_mark() {
    WEFT_CHECK(!marks_.empty(), "{}: a mark is missing at byte {}", where_, position_);
    std::vector<const PickleValue*> values = pop_last(available());
    marks_.pop_back();
    return values;
  }

  // ---- what the opcodes do ----

  void append(const std::vector<const PickleValue*>& values) {
    auto* list = std::get_if<PickleList>(&top()->value);
    WEFT_CHECK(list, "{}: refused: {} appends to {}", file_, part_, top()->kind());
    list->items.insert(list->items.end(), values.begin(), values.end());
  }
  void set_items(const std::vector<const PickleValue*>& values) {
    auto* dict = std::get_if<PickleDict>(&top()->value);
    WEFT_CHECK(dict, "{}: refused: {} sets items of {}", file_, part_, top()->kind());
    WEFT_CHECK(values.size() % 2 == 0, "{}: a key without a value at byte {}", where_, position_);
    for (std::size_t i = 0; i < values.size(); i += 2) dict->items.emplace_back(values[i], values[i + 1]);
  }
  void get(std::uint32_t index) {
    const auto found = memo_.find(index);
    WEFT_CHECK(found != memo_.end(), "{}: memo {} is read before it is written", where_, index);
    check_budget(stack_.size());
    stack_.push_back(found->second);
  }
  void import() {
    const std::string_view module = line(), name = line();
    const auto global = allowed_global(module, name);
    WEFT_CHECK(global, "{}: refused: {} imports {}.{}; weft reads state dicts: save model.state_dict()", file_, part_,
               printable(module), printable(name));
    push({*global});
  }
  void call() {
    const PickleValue *arguments = pop(), *function = pop();
    const auto* tuple = arguments->as<PickleTuple>();
    const auto* global = function->as<PickleGlobal>();
    WEFT_CHECK(global, "{}: refused: {} calls {}", file_, part_, function->kind());
    WEFT_CHECK(tuple, "{}: the arguments of a call are {}", where_, arguments->kind());
    const PickleValue* made = push(call_global(*global, *tuple, where_));
    // OrderedDict(list) copies: ten bytes that say it once more of a long list must not cost its length each time.
    if (const auto* dict = made->as<PickleDict>()) check_budget(copied_ += dict->items.size());
  }
  PickleStorage find_storage(const PickleValue& id) {
    const PickleStorage storage = storage_of_persistent_id(id, where_);
    const PickleStorage& first = storages_.emplace(storage.key, storage).first->second;
    WEFT_CHECK(first.type == storage.type && first.count == storage.count,
               "{}: refused: {} describes storage '{}' in two ways", file_, part_, printable(storage.key));
    return storage;
  }
  /// BUILD gives an object its state. An OrderedDict's is its attributes (a state dict's _metadata), which nothing here
  /// needs; an old Parameter's is a tuple that begins with its tensor. What is skipped stays skipped.
  void build() {
    const PickleValue* state = pop();
    PickleValue* object = top();
    if (object->as<PickleDict>() && state->as<PickleDict>()) return;
    if (object->as<PickleSkipped>()) return;
    const auto* tuple = state->as<PickleTuple>();
    const bool parameter = object->as<PickleEmptyParameter>() || object->as<PickleTensor>();
    WEFT_CHECK(parameter && tuple, "{}: refused: {} builds {} from {}", file_, part_, object->kind(), state->kind());
    if (!object->as<PickleEmptyParameter>()) return;
    const auto* tensor = tuple->items.empty() ? nullptr : tuple->items[0]->as<PickleTensor>();
    WEFT_CHECK(tensor, "{}: a parameter's state does not begin with a tensor", where_);
    object->value = *tensor;
  }

  std::span<const std::byte> bytes_;
  std::size_t position_ = 0, copied_ = 0;
  const std::string &file_, &part_;
  std::string where_;
  std::deque<PickleValue>& arena_;
  std::vector<PickleValue*> stack_;
  std::vector<std::size_t> marks_;  // heights of the stack
  std::unordered_map<std::uint32_t, PickleValue*> memo_;
  std::map<std::string_view, PickleStorage> storages_;
};

}  // namespace

std::string_view PickleValue::kind() const {
  constexpr std::array<std::string_view, std::variant_size_v<decltype(value)>> names{
      "None",        "a bool",
      "an integer",  "a large integer",
      "a number",    "a string",
      "a tuple",     "a list",
      "a dict",      "an import",
      "a storage",   "a tensor",
      "a parameter", "an object that weft does not read",
  };
  return names[value.index()];
}

Pickle::Pickle(std::span<const std::byte> bytes, const std::string& file, const std::string& part) {
  Machine machine(bytes, file, part, arena_);
  root_ = machine.run();
  storages_ = std::move(machine.storages());
  length_ = machine.position();
}

}  // namespace weft
