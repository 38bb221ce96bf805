#include "core/formats/json.h"

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "core/check.h"
#include "core/formats/printable.h"

namespace weft {

namespace {

/// "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error ..." -> "line 1, column 2: syntax
/// error ..."
std::string reason(const nlohmann::json::exception& error) {
  std::string_view text = error.what();
  if (const auto bracket = text.find("] "); bracket != text.npos) text.remove_prefix(bracket + 2);
  constexpr std::string_view prefix = "parse error at ";
  if (text.substr(0, prefix.size()) == prefix) text.remove_prefix(prefix.size());
  return printable(text, 240);
}

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& file, int max_depth) {
  using Event = nlohmann::json::parse_event_t;
  // The library takes one for the end of the text, and would pass over whatever follows it.
  const std::size_t zero = text.find('\0');
  WEFT_CHECK(zero == text.npos, "{}: json: byte {} is a zero", file, zero);
  std::vector<std::set<std::string>> keys_of_open_objects;
  const auto watch = [&](int depth, Event event, nlohmann::json& parsed) {
    switch (event) {
      case Event::object_start:
      case Event::array_start:
        WEFT_CHECK(depth < max_depth, "{}: json is nested more than {} deep", file, max_depth);
        if (event == Event::object_start) keys_of_open_objects.emplace_back();
        break;
      case Event::object_end:
        keys_of_open_objects.pop_back();
        break;
      case Event::key: {
        const auto& key = parsed.get_ref<const std::string&>();
        WEFT_CHECK(keys_of_open_objects.back().insert(key).second, "{}: json key '{}' appears twice in one object",
                   file, printable(key));
        break;
      }
      default:
        break;
    }
    return true;
  };
  try {
    return nlohmann::json::parse(text, watch);
  } catch (const nlohmann::json::exception& error) {
    fail("{}: json: {}", file, reason(error));
  }
}

std::int64_t whole_number(const nlohmann::json& value) {
  // get_ref also takes unsigned numbers, and would hand one beyond int64 out as a negative one.
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX)
    throw nlohmann::json::type_error::create(302, "type must be a whole number below 2^63", &value);
  return value.get_ref<const nlohmann::json::number_integer_t&>();
}

}  // namespace weft
