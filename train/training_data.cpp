#include "train/training_data.h"

#include <set>

#include "core/formats/checksum.h"
#include "core/listed_error.h"
#include "data/check_files.h"

namespace weft {
namespace {

std::string digest_of(const Dataset& pictures) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < pictures.size(); ++i) sum = crc32(pictures.files(i).stem + "\n", sum);
  return fmt::format("{} ({:08x})", pictures.size(), sum);
}

std::uintmax_t size_of(const std::filesystem::path& file) {
  std::error_code ignored;  // a file that has gone is named when it is read
  return std::filesystem::file_size(file, ignored);
}

}  // namespace

std::string TrainingData::size_digest() const {
  std::uint32_t sum = 0;
  for (const Dataset* pictures : {&training, &validation}) {
    for (std::size_t i = 0; i < pictures->size(); ++i) {
      const auto [stem, picture, mask] = pictures->files(i);
      sum = crc32(fmt::format("{} {} {}\n", stem, size_of(picture), size_of(mask)), sum);
    }
  }
  return fmt::format("{:08x}", sum);
}

std::string TrainingData::digest() const {
  return fmt::format("training {}, validation {}", digest_of(training), digest_of(validation));
}

TrainingData find_training_data(const TrainConfig& config, std::vector<std::string>* problems) {
  const DatasetFolders folders{config.data, config.images, config.masks, config.mask_rules};
  const LabelMap labels = LabelMap::load(config.labels);
  if (!config.val_list.empty()) {
    return {Dataset(folders, labels, config.train_list, problems), Dataset(folders, labels, config.val_list, problems)};
  }
  const Dataset all = config.train_list.empty() ? Dataset(folders, labels, problems)
                                                : Dataset(folders, labels, config.train_list, problems);
  if (all.size() < 2 && problems != nullptr && !problems->empty()) return {all, all};  // too few to be divided
  auto [training, validation] = all.split(config.val_fraction, static_cast<std::uint64_t>(config.seed));
  return {std::move(training), std::move(validation)};
}

TrainingData find_and_check_training_data(const TrainConfig& config, TrainObserver& observer) {
  std::vector<std::string> problems;
  TrainingData data = find_training_data(config, &problems);
  std::size_t turned = 0;
  for (const Dataset* part : {&data.training, &data.validation}) {
    const FilesChecked checked =
        check_files(*part, checked_files_cache(config.data), [&](std::size_t done, std::size_t of) {
          observer.checking_advanced(static_cast<std::int64_t>(done), static_cast<std::int64_t>(of));
          return !observer.wants_stop();
        });
    WEFT_CHECK(!observer.wants_stop(), "stopped while the masks were looked at; nothing has been written");
    problems.insert(problems.end(), checked.problems.begin(), checked.problems.end());
    turned += checked.turned;
  }
  std::set<std::string> seen;  // a picture may be in both lists
  std::erase_if(problems, [&](const std::string& line) { return !seen.insert(line).second; });
  const std::size_t count = problems.size();
  throw_listed(std::move(problems), fmt::format("{}: {} pictures or masks can't be used", config.data, count));
  if (turned > 0) {
    observer.note(
        fmt::format("{} masks fit their photographs only after the turn that the photographs' EXIF asks for, "
                    "which weft makes",
                    turned));
  }
  return data;
}

std::string stem_list(const Dataset& pictures) {
  std::string lines;
  for (std::size_t i = 0; i < pictures.size(); ++i) lines += pictures.files(i).stem + "\n";
  return lines;
}

std::size_t pictures_in_both(const TrainingData& data) {
  std::set<std::string> stems;
  for (std::size_t i = 0; i < data.training.size(); ++i) stems.insert(data.training.files(i).stem);
  std::size_t count = 0;
  for (std::size_t i = 0; i < data.validation.size(); ++i) count += stems.count(data.validation.files(i).stem);
  return count;
}

}  // namespace weft
