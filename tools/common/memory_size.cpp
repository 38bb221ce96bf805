#include "tools/common/memory_size.h"

#include <cmath>
#include <cstdio>
#include <map>

#include "tools/common/message.h"

namespace weft::tools {

std::int64_t memory_bytes_from(const std::string& text) {
  if (text.empty()) return 0;
  static const std::map<std::string, double> units = {
      {"", 1}, {"B", 1}, {"KB", 1024}, {"MB", 1024.0 * 1024}, {"GB", 1024.0 * 1024 * 1024}};
  double number = 0;
  int used = 0;
  const bool has_number = std::sscanf(text.c_str(), "%lf%n", &number, &used) == 1 && std::isfinite(number);
  const auto unit = has_number ? units.find(text.substr(static_cast<std::size_t>(used))) : units.end();
  if (unit == units.end() || number * unit->second < 1 || number * unit->second > 1e15)
    throw UsageError(fmt::format("--memory expects a size such as 800MB or 1.5GB, got '{}'", text));
  return static_cast<std::int64_t>(number * unit->second);
}

}  // namespace weft::tools
