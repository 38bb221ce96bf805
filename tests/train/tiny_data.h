#pragma once
// A data set small enough to train on in a test: a bright garment on a dark ground, with ATR ids.

#include <string>

#include "core/random.h"
#include "data/image_io.h"
#include "tests/temporary_folder.h"
#include "train/config.h"

namespace weft::test {

inline std::string stem_of(int i) { return "p" + std::to_string(i); }

/// Writes `count` pictures of different sizes around 40 x 48 and their masks: id 4 (upper clothes), 11 (a face), else
/// 0. train.txt lists all but the last two, val.txt those.
inline void make_tiny_data(const std::filesystem::path& folder, int count) {
  std::filesystem::create_directories(folder / "JPEGImages");
  std::filesystem::create_directories(folder / "SegmentationClassAug");
  std::string training, validation;
  for (int i = 0; i < count; ++i) {
    (i < count - 2 ? training : validation) += stem_of(i) + "\n";
    Random random(7, {static_cast<std::uint64_t>(i)});
    const int width = 40 + i, height = 48 - i;
    const int left = static_cast<int>(random.below(12)), top = 12 + static_cast<int>(random.below(8));
    Image picture(width, height, 3), ids(width, height, 1);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const bool garment = x >= left && x < left + 24 && y >= top && y < top + 20;
        const bool face = !garment && y < top && x >= left + 8 && x < left + 16;
        *ids.at(y, x) = garment ? 4 : face ? 11 : 0;
        for (int c = 0; c < 3; ++c)
          picture.at(y, x)[c] = static_cast<std::uint8_t>((garment ? 180 : face ? 90 : 20) + random.below(40));
      }
    }
    save_png(folder / "JPEGImages" / (stem_of(i) + ".png"), picture);
    save_png(folder / "SegmentationClassAug" / (stem_of(i) + ".png"), ids);
  }
  write_text(folder / "train.txt", training);
  write_text(folder / "val.txt", validation);
}

/// The smallest U-Net on that data: a step takes some ten milliseconds.
inline TrainConfig tiny_config(const std::filesystem::path& data) {
  TrainConfig config;
  config.data = data.string();
  config.train_list = (data / "train.txt").string();
  config.val_list = (data / "val.txt").string();
  config.network.decoder_channels = {16, 16, 8, 8, 8};
  config.size = 32;
  config.batch = 3;
  config.epochs = 2;
  config.learning_rate = 1e-3;
  return config;
}

}  // namespace weft::test
