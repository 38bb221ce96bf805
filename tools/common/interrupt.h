#pragma once

namespace weft::tools {

/// From here on the first SIGINT (Ctrl-C) or SIGTERM only sets what interrupted() tells, so that the work at hand can
/// be brought to an end; the second stops the process at once.
void catch_interrupts();
bool interrupted();

}  // namespace weft::tools
