#include "train/training_data.h"

#include <set>

#include "core/formats/checksum.h"

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

TrainingData find_training_data(const TrainConfig& config) {
  const DatasetFolders folders{config.data, config.images, config.masks, config.mask_rules};
  const LabelMap labels = LabelMap::load(config.labels);
  if (!config.val_list.empty())
    return {Dataset(folders, labels, config.train_list), Dataset(folders, labels, config.val_list)};
  const Dataset all =
      config.train_list.empty() ? Dataset(folders, labels) : Dataset(folders, labels, config.train_list);
  auto [training, validation] = all.split(config.val_fraction, static_cast<std::uint64_t>(config.seed));
  return {std::move(training), std::move(validation)};
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
