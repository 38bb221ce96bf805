#include "tools/common/profile_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace weft::tools {
namespace {

struct Row {
  int calls = 0;
  double ms = 0;
  std::int64_t macs = 0;
};

}  // namespace

std::string profile_table(const std::vector<ProfileEntry>& entries) {
  std::map<std::string, Row> rows;
  double total = 0;
  for (const ProfileEntry& entry : entries) {
    Row& row = rows[fmt::format("{:<20} {:<62} {:<12}", entry.op, entry.shapes, entry.algorithm)];
    ++row.calls;
    row.ms += entry.ms;
    row.macs += entry.macs;
    total += entry.ms;
  }
  std::vector<std::pair<std::string, Row>> sorted(rows.begin(), rows.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second.ms > b.second.ms; });
  std::string table = fmt::format("{:<20} {:<62} {:<12} {:>5} {:>9} {:>6} {:>8}\n", "operation", "shapes", "algorithm",
                                  "calls", "ms", "share", "GFLOP/s");
  for (const auto& [name, row] : sorted) {
    // A multiply-add counts as two operations, as in a processor's peak rate.
    table += fmt::format("{} {:>5} {:>9.2f} {:>5.1f}% {:>8.1f}\n", name, row.calls, row.ms,
                         100 * row.ms / std::max(total, 1e-9),
                         2e-6 * static_cast<double>(row.macs) / std::max(row.ms, 1e-9));
  }
  return table + fmt::format("{} pieces of work, {:.1f} ms\n", entries.size(), total);
}

}  // namespace weft::tools
