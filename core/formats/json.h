#pragma once
// JSON from files that nobody vouches for. The grammar is nlohmann-json's; what it lets pass and weft does
// not is refused here: a key twice in one object (whose second value would silently win) and deep nesting.
// Only the forward declarations are included: the library itself takes seconds to compile.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace weft {

/// Parses the whole of `text`. `file` begins each message:
/// "model.json: line 3, column 7: ...". Throws Error for bad syntax, bad UTF-8, a doubled key, and for
/// objects and arrays nested more than `max_depth` deep.
nlohmann::json parse_json(std::string_view text, const std::string& file, int max_depth = 8);

/// A whole number. Throws nlohmann's type_error for anything else: the library would cast 2e56 to an integer, which C++
/// leaves undefined.
std::int64_t whole_number(const nlohmann::json& value);

}  // namespace weft
