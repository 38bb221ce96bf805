#pragma once

#include <string>
#include <vector>

#include "core/profile.h"

namespace weft::tools {

/// One row for each distinct piece of work, the slowest first: calls, time, share of the whole, rate.
std::string profile_table(const std::vector<ProfileEntry>& entries);

}  // namespace weft::tools
