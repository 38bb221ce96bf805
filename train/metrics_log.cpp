#include "train/metrics_log.h"

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/atomic_file.h"
#include "core/check.h"
#include "core/formats/json.h"

namespace weft {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

/// A line that a kill cut short is dropped with those that come again.
bool is_kept(const std::string& line, std::int64_t steps, std::int64_t epochs) {
  const json record = json::parse(line, nullptr, false);
  if (!record.is_object() || !record.contains("step") || !record["step"].is_number() || !record.contains("epoch") ||
      !record["epoch"].is_number()) {
    return false;
  }
  return record.contains("miou") ? whole_number(record["epoch"]) <= epochs : whole_number(record["step"]) <= steps;
}

}  // namespace

MetricsHistory read_metrics_log(const std::filesystem::path& path) {
  MetricsHistory history;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const json j = json::parse(line, nullptr, false);
    const auto number = [&](const char* name) { return j.at(name).get<double>(); };
    const auto whole = [&](const char* name) { return whole_number(j.at(name)); };
    try {
      if (j.contains("miou")) {
        history.validations.push_back(
            {whole("epoch"), whole("step"), number("miou"), number("iou"), number("dice"), number("loss")});
      } else {
        history.steps.push_back(
            {whole("epoch"), whole("step"), number("loss"), number("dice"), number("bce"), number("lr"), number("ms")});
      }
    } catch (const json::exception&) {
      continue;
    }
  }
  return history;
}

MetricsLog::MetricsLog(const std::filesystem::path& path, std::int64_t steps, std::int64_t epochs) : path_(path) {
  std::string kept, line;
  std::ifstream old(path);
  while (std::getline(old, line)) {
    if (is_kept(line, steps, epochs)) kept += line + "\n";
  }
  old.close();
  write_file(path, kept);
  file_.open(path, std::ios::app);
  WEFT_CHECK(file_.is_open(), "{}: cannot open: {}", path.string(), std::strerror(errno));
}

void MetricsLog::append(const std::string& line) {
  file_ << line << '\n' << std::flush;
  WEFT_CHECK(file_.good(), "{}: cannot write: {}; the last checkpoint is intact", path_.string(), std::strerror(errno));
}

void MetricsLog::write(const StepRecord& r) {
  append(ordered_json{{"epoch", r.epoch},
                      {"step", r.step},
                      {"loss", r.loss},
                      {"dice", r.dice},
                      {"bce", r.bce},
                      {"lr", r.learning_rate},
                      {"ms", r.milliseconds}}
             .dump());
}

void MetricsLog::write(const ValidationRecord& r) {
  append(ordered_json{
      {"epoch", r.epoch}, {"step", r.step}, {"miou", r.mean_iou}, {"iou", r.iou}, {"dice", r.dice}, {"loss", r.loss}}
             .dump());
}

void MetricsLog::write_change(std::int64_t epochs, std::int64_t steps, const json& changed) {
  append(ordered_json{{"epoch", epochs}, {"step", steps}, {"changed", changed}}.dump());
}

}  // namespace weft
