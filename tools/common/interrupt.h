#pragma once

namespace weft::tools {

/// From here on the first SIGINT (Ctrl-C) or SIGTERM only sets what interrupted() tells, so that the work at hand can
/// be brought to an end, and says `notice` on stderr; the second stops the process at once. `notice` is a literal.
void catch_interrupts(const char* notice);
bool interrupted();

}  // namespace weft::tools
