#pragma once
// Errors. Every public function checks what it is given and says, in one line, what it was doing,
// what it expected and what came:
//
//   [conv2d] weight expects 64 input channels, input has 32: input [2, 128, 128, 32], weight [64, 64, 3, 3]
//
// Executables print that line after "error: " and exit with status 1.

#include <fmt/core.h>

#include <stdexcept>
#include <utility>

namespace weft {

/// What every function of weft throws where it can't do what it was asked.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws Error with the formatted message.
template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace weft

/// WEFT_CHECK(condition, "format", values...): throws weft::Error unless the condition holds.
#define WEFT_CHECK(condition, ...)                     \
  do {                                                 \
    if (!(condition)) [[unlikely]] {                   \
      ::weft::fail(__VA_ARGS__);                       \
    }                                                  \
  } while (false)
