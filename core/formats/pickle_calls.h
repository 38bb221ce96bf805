#pragma once
// The closed list of what a pickle may import, and what "calling" each import makes. Only pickle.cpp uses it.

#include <optional>
#include <string>
#include <string_view>

#include "core/formats/pickle.h"

namespace weft {

/// nullopt where the import is not allowed.
std::optional<PickleGlobal> allowed_global(std::string_view module, std::string_view name);

/// The value of global(*arguments). `where` begins the message of the Error for wrong arguments.
PickleValue call_global(const PickleGlobal& global, const PickleTuple& arguments, const std::string& where);

/// The storage that a persistent id stands for: ('storage', type, key, location, count[, view]).
PickleStorage storage_of_persistent_id(const PickleValue& id, const std::string& where);

}  // namespace weft
