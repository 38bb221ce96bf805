#include "tools/common/roofline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

namespace weft::tools {
namespace {

constexpr std::array<const char*, 4> passes = {"forward", "input gradient", "weight gradient", "both gradients"};

/// "conv2d_input_gradient_storing" -> {"conv2d", "input gradient"}: how a plan has it done beside other work is left
/// out.
std::pair<std::string, std::string> split_op(std::string op) {
  for (const std::string beside : {"_storing", "_of_normalised"}) {
    if (const std::size_t at = op.find(beside); at != std::string::npos) op.erase(at, beside.size());
  }
  const auto layer_before = [&](const char* suffix) {
    return op.ends_with(suffix) ? op.substr(0, op.size() - std::strlen(suffix)) : std::string();
  };
  for (const auto& [suffix, pass] :
       {std::pair{"_input_gradient", 1}, {"_skip_gradient", 1}, {"_weight_gradient", 2}, {"_gradients", 3}}) {
    if (const std::string layer = layer_before(suffix); !layer.empty())
      return {layer, passes[static_cast<std::size_t>(pass)]};
  }
  return {op, passes[0]};
}

std::string cell(const RooflineRow* row) {
  if (row == nullptr) return fmt::format("{:>24}", "");
  return fmt::format("{:>9.3f} {:>8.1f} {:>4.0f}%{}", row->ms, row->gflops(), 100 * row->share_of_bound(),
                     row->is_memory_bound ? 'm' : ' ');
}

std::size_t index_of(const std::string& pass) {
  return static_cast<std::size_t>(std::find(passes.begin(), passes.end(), pass) - passes.begin());
}

bool is_convolution(const RooflineRow& row) { return row.macs > 0; }

void add_to(RooflineRow& sum, const RooflineRow& row) {
  sum.calls += row.calls;
  sum.ms += row.ms;
  sum.bound_ms += row.bound_ms;
  sum.macs += row.macs;
  sum.bytes += row.bytes;
}

std::string layers_text(const std::vector<RooflineRow>& rows) {
  std::map<std::string, std::array<const RooflineRow*, passes.size()>> by_layer;
  std::vector<std::string> order;
  for (const RooflineRow& row : rows) {
    if (!is_convolution(row)) continue;
    auto [at, is_new] = by_layer.try_emplace(row.layer);
    if (is_new) order.push_back(row.layer);
    at->second[index_of(row.pass)] = &row;
  }
  std::size_t shown = 1;  // passes up to the last that occurs
  for (const RooflineRow& row : rows) {
    if (is_convolution(row)) shown = std::max(shown, index_of(row.pass) + 1);
  }
  std::string text = fmt::format("{:<72} {:>5}", "layer", "calls"), units = fmt::format("{:<78}", "");
  for (std::size_t i = 0; i < shown; ++i) {
    text += fmt::format(" |{:>24}", passes[i]);
    units += fmt::format(" |{:>9} {:>8} {:>5}", "ms", "GFLOP/s", "bound");
  }
  text += "\n" + units + "\n";
  for (const std::string& layer : order) {
    const auto& cells = by_layer.at(layer);
    const auto* first = *std::find_if(cells.begin(), cells.end(), [](const auto* row) { return row != nullptr; });
    text += fmt::format("{:<72} {:>5}", layer, first->calls);
    for (std::size_t i = 0; i < shown; ++i) text += " |" + cell(cells[i]);
    text += "\n";
  }
  return text;
}

double gigabytes_per_second(const RooflineRow& row) { return 1e-6 * static_cast<double>(row.bytes) / row.ms; }

/// What only reads and writes: batch normalisation, losses, sums of gradients, the optimizer.
std::string passes_text(const std::vector<RooflineRow>& rows) {
  std::map<std::string, RooflineRow> kinds;
  for (const RooflineRow& row : rows) {
    if (!is_convolution(row)) add_to(kinds[row.op + (row.pass == passes[0] ? "" : ", " + row.pass)], row);
  }
  if (kinds.empty()) return "";
  std::string text =
      fmt::format("\n{:<72} {:>5} |{:>9} {:>8} {:>5}\n", "passes over data", "calls", "ms", "GB/s", "bound");
  for (const auto& [kind, row] : kinds) {
    text += fmt::format("{:<72} {:>5} |{:>9.3f} {:>8.1f} {:>4.0f}%m\n", kind, row.calls, row.ms,
                        gigabytes_per_second(row), 100 * row.share_of_bound());
  }
  return text;
}

std::string worst_text(const std::vector<RooflineRow>& rows) {
  std::vector<RooflineRow> worst = rows;
  std::stable_sort(worst.begin(), worst.end(), [](const auto& a, const auto& b) { return a.lost_ms() > b.lost_ms(); });
  worst.resize(std::min<std::size_t>(worst.size(), 10));
  std::string text = fmt::format("\nwhere most time is lost\n{:>8} {:>9} {:>6} {:>9} {:>7}  {:<16} {:<14} {}\n",
                                 "lost ms", "ms", "bound", "GFLOP/s", "GB/s", "pass", "algorithm", "layer");
  for (const RooflineRow& row : worst) {
    text += fmt::format("{:>8.3f} {:>9.3f} {:>5.0f}% {:>9.1f} {:>7.1f}  {:<16} {:<14} {}\n", row.lost_ms(), row.ms,
                        100 * row.share_of_bound(), row.gflops(), gigabytes_per_second(row), row.pass, row.algorithm,
                        row.layer);
  }
  return text;
}

}  // namespace

std::vector<RooflineRow> roofline(const std::vector<ProfileEntry>& entries, const Machine& machine) {
  std::vector<RooflineRow> rows;
  std::map<std::string, std::size_t> index;
  for (const ProfileEntry& entry : entries) {
    const auto [op, pass] = split_op(entry.op);
    const std::string layer = op + " " + entry.shapes;
    const auto [at, is_new] = index.try_emplace(layer + ", " + pass, rows.size());
    if (is_new) {
      rows.emplace_back();
      rows.back().op = op;
      rows.back().layer = layer;
      rows.back().pass = pass;
    }
    RooflineRow& row = rows[at->second];
    const double arithmetic_ms = 2e-6 * static_cast<double>(entry.macs) / machine.gflops;
    const double memory_ms = 1e-6 * static_cast<double>(entry.bytes) / machine.gigabytes;
    row.algorithm = entry.algorithm;
    ++row.calls;
    row.ms += entry.ms;
    row.bound_ms += std::max(arithmetic_ms, memory_ms);
    row.is_memory_bound = memory_ms > arithmetic_ms;
    row.macs += entry.macs;
    row.bytes += entry.bytes;
  }
  return rows;
}

std::string roofline_text(const std::vector<RooflineRow>& rows, const Machine& machine, double step_ms) {
  RooflineRow convolutions, others;
  for (const RooflineRow& row : rows) add_to(is_convolution(row) ? convolutions : others, row);
  return fmt::format(
             "{}, {}, {} threads: {:.1f} GFLOP/s in registers, {:.1f} GB/s from and to memory, both measured\n"
             "bound: the least time by these two, m where memory binds, over the time taken; multiply-adds are "
             "counted\n"
             "as a plain convolution's, so Winograd's forms, and data that stay in the caches, can exceed 100%\n\n",
             machine.processor, machine.isa, machine.threads, machine.gflops, machine.gigabytes) +
         layers_text(rows) + passes_text(rows) + worst_text(rows) +
         fmt::format(
             "\nconvolutions {:.1f} ms at {:.1f} GFLOP/s, {:.0f}% of the bound; passes over data {:.1f} ms; all else "
             "{:.1f} "
             "ms of {:.1f}\n",
             convolutions.ms, convolutions.gflops(), 100 * convolutions.share_of_bound(), others.ms,
             std::max(0.0, step_ms - convolutions.ms - others.ms), step_ms);
}

nlohmann::ordered_json roofline_json(const std::vector<RooflineRow>& rows, const Machine& machine) {
  nlohmann::ordered_json layers = nlohmann::ordered_json::array();
  for (const RooflineRow& row : rows) {
    layers.push_back({{"layer", row.layer},
                      {"pass", row.pass},
                      {"algorithm", row.algorithm},
                      {"calls", row.calls},
                      {"ms", row.ms},
                      {"bound_ms", row.bound_ms},
                      {"binds", row.is_memory_bound ? "memory" : "arithmetic"},
                      {"macs", row.macs},
                      {"bytes", row.bytes}});
  }
  return {{"processor", machine.processor},   {"isa", machine.isa},
          {"threads", machine.threads},       {"peak_gflops", machine.gflops},
          {"memory_gb_s", machine.gigabytes}, {"layers", layers}};
}

}  // namespace weft::tools
