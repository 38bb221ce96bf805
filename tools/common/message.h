#pragma once
// What a tool says to people, apart from its results.

#include <string>

#include "core/check.h"

namespace weft::tools {

/// The command line asks for something that makes no sense: exit status 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// A line on stderr. Whatever is in the message, it stays one line of at most 1,000 bytes that no terminal obeys.
void say(const std::string& message);
/// The same after "error: ".
void say_error(const std::string& message);

}  // namespace weft::tools
