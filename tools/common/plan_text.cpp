#include "tools/common/plan_text.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <vector>

namespace weft::tools {
namespace {

std::function<std::string(const Tensor&)> names_in(const nn::Module& network) {
  std::map<const void*, std::string> names;
  for (const auto& [name, tensor] : network.state_dict()) names[tensor.identity()] = name;
  return [names](const Tensor& t) {
    const auto found = names.find(t.identity());
    return found == names.end() ? std::string() : found->second;
  };
}

double megabytes(std::int64_t bytes) { return static_cast<double>(bytes) / 1048576.0; }

std::string steps_text(const Plan& plan, const std::function<std::string(const Tensor&)>& name_of) {
  const Graph& g = plan.graph();
  std::string text = fmt::format("{:>4}  {:<78} {:<12} {:>8} {:>9} {:>9}  {}\n", "", "step", "kernel", "mul-adds",
                                 "moves MB", "at MB", "made by");
  int number = 0;
  for (const Step& step : g.steps()) {
    const ProfileEntry entry = g.describe(step);
    const std::int64_t offset = step.outputs.empty() ? -1 : plan.offset(step.outputs[0]);
    text += fmt::format("{:>4}  {:<78} {:<12} {:>8} {:>9.2f} {:>9}  {}\n", ++number, g.step_text(step, name_of),
                        entry.algorithm, entry.macs == 0 ? "" : counted(static_cast<double>(entry.macs)),
                        megabytes(entry.bytes), offset < 0 ? "-" : fmt::format("{:.2f}", megabytes(offset)),
                        fmt::join(step.rules, ", "));
  }
  return text;
}

/// One line for each rule and reason, with how often and the first place.
std::string refusals_text(const Plan& plan) {
  struct Place {
    int count = 0;
    std::string first;
  };
  std::vector<std::pair<std::string, Place>> lines;
  for (const Refusal& refusal : plan.refusals()) {
    const std::string line = fmt::format("{}: {}", refusal.rule, refusal.reason);
    const auto same = [&](const auto& known) { return known.first == line; };
    auto found = std::find_if(lines.begin(), lines.end(), same);
    if (found == lines.end()) found = lines.insert(lines.end(), {line, {0, refusal.step}});
    ++found->second.count;
  }
  std::string text;
  for (const auto& [line, place] : lines)
    text += fmt::format("  {:>3} x {}\n        {}\n", place.count, line, place.first);
  return text;
}

}  // namespace

std::string counted(double count) {
  if (count >= 1e9) return fmt::format("{:.2f} G", count * 1e-9);
  if (count >= 1e6) return fmt::format("{:.2f} M", count * 1e-6);
  if (count >= 1e3) return fmt::format("{:.1f} k", count * 1e-3);
  return fmt::format("{:.0f}", count);
}

std::string plan_text(const Plan& plan, const nn::Module& network) {
  std::string text = steps_text(plan, names_in(network));
  const std::string refusals = refusals_text(plan);
  text += refusals.empty() ? "\nno rule left a step alone that it looked at closer\n"
                           : "\nlooked at and left alone, with the first such step:\n" + refusals;
  double macs = 0;
  for (const Step& step : plan.graph().steps()) macs += static_cast<double>(plan.graph().describe(step).macs);
  text += fmt::format(
      "\n{} steps, {} multiply-adds; memory at most {:.1f} MB: {:.1f} between the steps, {:.1f} in inputs, results, "
      "parameters and what is computed of these beforehand\n",
      plan.graph().steps().size(), counted(macs), megabytes(plan.peak_bytes()), megabytes(plan.arena_bytes()),
      megabytes(plan.peak_bytes() - plan.arena_bytes()));
  return text;
}

std::string plan_dot(const Plan& plan, const nn::Module& network) { return plan.graph().to_dot(names_in(network)); }

}  // namespace weft::tools
