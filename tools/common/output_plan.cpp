#include "tools/common/output_plan.h"

#include <fmt/format.h>

#include <map>
#include <system_error>
#include <utility>

#include "tools/common/masks.h"
#include "tools/common/output_guard.h"
#include "tools/common/message.h"

namespace weft::tools {

namespace fs = std::filesystem;

namespace {

/// The folder that a picture's outputs go to.
fs::path folder_for(const ListedPicture& picture, const OutputOptions& options) {
  if (!options.out.empty()) return fs::path(options.out) / picture.folder;
  if (picture.is_named && !picture.is_stream()) return picture.file.parent_path();
  return picture.folder;
}

/// Gives each picture the first part of its outputs' names, and refusals to those that can't have one.
class Namer {
 public:
  Namer(OutputPlan& plan, const OutputOptions& options) : plan_(plan), options_(options) {}

  std::vector<fs::path> bases() {
    std::vector<fs::path> bases;
    std::map<fs::path, std::vector<std::size_t>> by_stem;
    for (std::size_t i = 0; i < plan_.pictures.size(); ++i) {
      const ListedPicture& picture = plan_.pictures[i].picture;
      const fs::path folder = folder_for(picture, options_);
      bases.push_back(folder / (picture.is_stream() ? fs::path("stdin") : picture.file.stem()));
      by_stem[place_of(folder) / bases.back().filename()].push_back(i);
    }
    for (const auto& [stem, same] : by_stem) {
      if (same.size() > 1) tell_apart(same, bases);
    }
    std::map<fs::path, std::size_t> taken;
    for (std::size_t i = 0; i < bases.size(); ++i) {
      const auto [other, is_new] = taken.emplace(place_of(bases[i].parent_path()) / bases[i].filename(), i);
      if (!is_new) refuse(i, other->second);
    }
    return bases;
  }

 private:
  /// Pictures of one stem: those of one name can't be told apart, the others by their endings.
  void tell_apart(const std::vector<std::size_t>& same, std::vector<fs::path>& bases) {
    std::map<fs::path, std::size_t> first_of_name;
    for (const std::size_t i : same) {
      const auto [first, is_new] = first_of_name.emplace(plan_.pictures[i].picture.file.filename(), i);
      if (is_new) continue;
      refuse(i, first->second);
      refuse(first->second, i);
    }
    const PlannedPicture* keeps_stem = nullptr;
    for (const std::size_t i : same) {
      const PlannedPicture& planned = plan_.pictures[i];
      if (!planned.refusal.empty()) continue;
      const fs::path& file = planned.picture.file;
      if (keeps_stem == nullptr) {
        keeps_stem = &planned;
        continue;
      }
      bases[i].replace_filename(file.filename());
      plan_.notes.push_back(fmt::format("note: {}: written as {}, since {} has the same stem", file.string(),
                                        output_name(file.filename().string(), options_.kinds[0], plan_.format),
                                        keeps_stem->picture.file.string()));
    }
  }

  void refuse(std::size_t i, std::size_t other) {
    std::string& refusal = plan_.pictures[i].refusal;
    if (!refusal.empty()) return;
    refusal = fmt::format("{}: not written: {} would write the same files; run them into different folders",
                          plan_.pictures[i].picture.file.string(), plan_.pictures[other].picture.file.string());
  }

  /// One path for each folder, however it is spelt.
  const fs::path& place_of(const fs::path& folder) {
    const auto [place, is_new] = places_.emplace(folder, fs::path());
    if (is_new) {
      std::error_code error;
      place->second = fs::weakly_canonical(folder.empty() ? "." : folder, error);
      if (error) place->second = folder;
    }
    return place->second;
  }

  OutputPlan& plan_;
  const OutputOptions& options_;
  std::map<fs::path, fs::path> places_;
};

OutputFormat format_of(const OutputOptions& options) {
  if (options.format) return *options.format;
  return output_format(options.output_file).value_or(OutputFormat::png);
}

/// What the name of an only output promises is what it gets.
void check_ending(const OutputOptions& options) {
  const std::string ending = fs::path(options.output_file).extension().string();
  if (ending.empty() || options.output_file == standard_stream || options.kinds[0] == "logits") return;
  const auto promised = output_format(options.output_file);
  if (!promised && !options.format)
    throw UsageError(fmt::format("{}: weft writes .png, .jpg and .webp; --format writes one of them under another name",
                                 options.output_file));
  if (promised && options.format && promised != options.format)
    throw UsageError(fmt::format("{}: its ending and --format {} contradict each other", options.output_file,
                                 extension_of(*options.format)));
}

}  // namespace

OutputPlan plan_outputs(const PictureList& list, const OutputOptions& options) {
  OutputPlan plan;
  plan.format = format_of(options);
  std::vector<fs::path> inputs{options.model};
  for (const ListedPicture& picture : list.pictures) {
    plan.pictures.push_back({picture, {}, {}});
    if (!picture.is_stream()) inputs.push_back(picture.file);
  }
  const OutputGuard guard(inputs, options.may_overwrite);
  const bool is_one_file = !options.output_file.empty();
  if (is_one_file && (list.pictures.size() != 1 || options.kinds.size() != 1))
    throw UsageError("-o names one file: it goes with one picture and one kind of output; use --out DIR");

  const std::vector<fs::path> bases = is_one_file ? std::vector<fs::path>(1) : Namer(plan, options).bases();
  std::vector<PlannedPicture> kept;
  for (std::size_t i = 0; i < plan.pictures.size(); ++i) {
    PlannedPicture& planned = plan.pictures[i];
    for (const std::string& kind : options.kinds) {
      fs::path file = options.output_file;
      if (!is_one_file) file = bases[i].parent_path() / output_name(bases[i].filename().string(), kind, plan.format);
      std::error_code ignored;
      if (options.skips_existing && fs::is_regular_file(file, ignored) && planned.refusal.empty()) continue;
      if (planned.refusal.empty() && file != standard_stream) planned.refusal = guard.refusal(file);
      planned.outputs.push_back({kind, std::move(file)});
    }
    if (is_one_file && planned.refusal.empty()) check_ending(options);
    if (planned.outputs.empty()) {
      ++plan.skipped;
    } else {
      kept.push_back(std::move(planned));
    }
  }
  plan.pictures = std::move(kept);
  return plan;
}

}  // namespace weft::tools
