#include "core/formats/pickle_scan.h"

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/formats/pickle_calls.h"

namespace weft {

namespace {

constexpr std::size_t max_opcodes = 10'000'000;

/// What follows an opcode (Python's pickletools): a number of bytes, a length of so many bytes and then as many, or
/// lines.
struct Argument {
  enum Kind { bytes, counted, lines } kind;
  std::size_t size;
};

std::optional<Argument> argument_of(std::uint8_t opcode) {
  const auto is_one_of = [opcode](std::string_view opcodes) {
    return opcodes.find(static_cast<char>(opcode)) != opcodes.npos;
  };
  using namespace std::string_view_literals;
  if (is_one_of("().012NRQ]}abdelostu\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94\x97\x98"sv))
    return Argument{Argument::bytes, 0};
  if (is_one_of("Khq\x80\x82"sv)) return Argument{Argument::bytes, 1};
  if (is_one_of("M\x83"sv)) return Argument{Argument::bytes, 2};
  if (is_one_of("Jjr\x84"sv)) return Argument{Argument::bytes, 4};
  if (is_one_of("G\x95"sv)) return Argument{Argument::bytes, 8};
  if (is_one_of("U\x8c"
                "C\x8a"sv))
    return Argument{Argument::counted, 1};
  if (is_one_of("XTB\x8b"sv)) return Argument{Argument::counted, 4};
  if (is_one_of("\x8d\x8e\x96"sv)) return Argument{Argument::counted, 8};
  if (is_one_of("FILSVPpg"sv)) return Argument{Argument::lines, 1};
  if (is_one_of("ci"sv)) return Argument{Argument::lines, 2};
  return std::nullopt;
}

class Scanner {
 public:
  explicit Scanner(std::span<const std::byte> pickle)
      : rest_(reinterpret_cast<const char*>(pickle.data()), pickle.size()) {}

  std::string unknown_global() {
    for (std::size_t count = 0; count < max_opcodes && !rest_.empty(); ++count) {
      const auto opcode = static_cast<std::uint8_t>(take(1)[0]);
      const auto argument = argument_of(opcode);
      if (!argument || !read(*argument)) return "";
      const auto [module, name] = global_of(opcode);
      if (!module.empty() && !allowed_global(module, name)) return std::string(module) + "." + std::string(name);
      note(opcode);
      if (opcode == '.') return "";
    }
    return "";
  }

 private:
  std::string_view take(std::size_t count) {
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  /// Sets first_ and second_; false where the bytes end.
  bool read(const Argument& argument) {
    if (argument.kind == Argument::lines) {
      for (std::string_view* line : {&first_, &second_}) {
        if (line == &second_ && argument.size == 1) break;
        const std::size_t end = rest_.find('\n');
        if (end == rest_.npos) return false;
        *line = take(end);
        take(1);
      }
      return true;
    }
    first_ = take(argument.size);
    if (first_.size() < argument.size) return false;
    if (argument.kind == Argument::bytes) return true;
    const std::uint64_t length = number(first_);
    if (length > rest_.size()) return false;
    first_ = take(length);
    return true;
  }

  static std::uint64_t number(std::string_view bytes) {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }

  std::pair<std::string_view, std::string_view> global_of(std::uint8_t opcode) const {
    constexpr std::uint8_t stack_global = 0x93;
    if (opcode == 'c' || opcode == 'i') return {first_, second_};
    if (opcode == stack_global && texts_.size() >= 2) return {texts_[texts_.size() - 2], texts_.back()};
    return {};
  }

  /// Remembers the texts that STACK_GLOBAL may mean: those last pushed, also out of the memo.
  void note(std::uint8_t opcode) {
    constexpr std::uint8_t short_unicode = 0x8c, memoize = 0x94;
    switch (opcode) {
      case 'X':
      case 'U':
      case 'V':
      case short_unicode:
        texts_.push_back(first_);
        break;
      case 'q':
      case 'r':
        put(number(first_));
        break;
      case memoize:
        put(memo_.size());
        break;
      case 'h':
      case 'j':
        if (const auto found = memo_.find(number(first_)); found != memo_.end()) texts_.push_back(found->second);
        break;
      default:
        break;
    }
    if (texts_.size() > 64) texts_.erase(texts_.begin(), texts_.end() - 2);
  }
  void put(std::uint64_t index) { memo_[index] = texts_.empty() ? std::string_view() : texts_.back(); }

  std::string_view rest_, first_, second_;
  std::vector<std::string_view> texts_;
  std::unordered_map<std::uint64_t, std::string_view> memo_;
};

}  // namespace

std::string unknown_global(std::span<const std::byte> pickle) { return Scanner(pickle).unknown_global(); }

}  // namespace weft
