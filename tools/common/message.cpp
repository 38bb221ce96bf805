#include "tools/common/message.h"

#include <cstdio>

#include "core/formats/printable.h"

namespace weft::tools {

// Unlike fmt::print these do not throw: work goes on to the last, though nobody reads what is said of it.
void say(const std::string& message) { std::fputs((message_line(message) + "\n").c_str(), stderr); }
void say_error(const std::string& message) { std::fputs(("error: " + message_line(message) + "\n").c_str(), stderr); }

}  // namespace weft::tools
