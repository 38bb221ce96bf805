#include "data/synthetic/atr_folder.h"

#include <png.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>
#include <string>

#include "core/atomic_file.h"
#include "core/check.h"
#include "core/parallel.h"
#include "data/jpeg_codec.h"

namespace weft {

namespace fs = std::filesystem;

namespace {

constexpr int jpeg_quality = 92;

/// The colours that Pascal VOC gives its labels, as ATR's masks have them: the id's bits 0, 3, 6 are red's
/// highest bits, bits 1, 4, 7 green's, bits 2, 5 blue's.
std::array<std::uint8_t, 3 * 256> voc_palette() {
  std::array<std::uint8_t, 3 * 256> palette{};
  for (unsigned id = 0; id < 256; ++id)
    for (unsigned bit = 0; bit < 8; ++bit)
      for (unsigned channel = 0; channel < 3; ++channel)
        palette[3 * id + channel] =
            static_cast<std::uint8_t>(palette[3 * id + channel] | (((id >> (3 * bit + channel)) & 1u) << (7 - bit)));
  return palette;
}

std::string encode_palette_png(const Image& labels) {
  const std::array<std::uint8_t, 3 * 256> palette = voc_palette();
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(labels.width);
  image.height = static_cast<png_uint_32>(labels.height);
  image.format = PNG_FORMAT_RGB_COLORMAP;
  image.colormap_entries = 256;
  png_alloc_size_t size = 0;
  const auto encode = [&](void* memory) {
    return png_image_write_to_memory(&image, memory, &size, 0, labels.pixels.data(), 0, palette.data());
  };
  std::string bytes;
  bool done = encode(nullptr) != 0;  // first only measures
  if (done) {
    bytes.resize(size);
    done = encode(bytes.data()) != 0;
  }
  WEFT_CHECK(done, "[write_synthetic_set] cannot encode a PNG of {}x{}: {}", labels.width, labels.height,
             image.message);
  bytes.resize(size);
  return bytes;
}

std::string stem(std::int64_t index) { return fmt::format("{:04}", index); }

/// Makes the folder, and refuses one that holds files which would be taken for pictures of this set.
void prepare_folder(const fs::path& folder, std::int64_t count) {
  std::error_code error;
  fs::create_directories(folder, error);
  WEFT_CHECK(!error, "{}: cannot make the folder: {}", folder.string(), error.message());
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().stem().string();
    const bool is_ours = name.size() >= 4 && name.size() <= 7 &&
                         name.find_first_not_of("0123456789") == std::string::npos && std::stoll(name) < count &&
                         name == stem(std::stoll(name));
    WEFT_CHECK(is_ours || entry.path().extension() == ".tmp",
               "{}: the folder already holds '{}', which is not of this set; give another --out or empty it",
               folder.string(), entry.path().filename().string());
  }
  WEFT_CHECK(!error, "{}: cannot read the folder: {}", folder.string(), error.message());
}

void write_list(const fs::path& path, std::int64_t begin, std::int64_t end) {
  std::string text;
  for (std::int64_t i = begin; i < end; ++i) text += stem(i) + "\n";
  write_file(path, text);
}

}  // namespace

void write_synthetic_set(const fs::path& folder, const SyntheticSet& set,
                         const std::function<void(std::int64_t done)>& progress) {
  WEFT_CHECK(set.count >= 1 && set.count <= synthetic_most_pictures,
             "[write_synthetic_set] count must be 1 to {}, got {}", synthetic_most_pictures, set.count);
  WEFT_CHECK(set.val_fraction >= 0 && set.val_fraction < 1,
             "[write_synthetic_set] val_fraction must be in [0, 1), got {}", set.val_fraction);
  check_synthetic_size(set.size);
  const fs::path pictures = folder / "JPEGImages", masks = folder / "SegmentationClassAug";
  prepare_folder(pictures, set.count);
  prepare_folder(masks, set.count);

  std::mutex mutex;
  std::int64_t done = 0;
  parallel_for(set.count, [&](std::int64_t i) {
    const SyntheticSample sample = draw_synthetic(set.seed, static_cast<std::uint64_t>(i), set.size);
    write_file(pictures / (stem(i) + ".jpg"), encode_jpeg(sample.picture, jpeg_quality));
    write_file(masks / (stem(i) + ".png"), encode_palette_png(sample.labels));
    const std::lock_guard lock(mutex);
    ++done;
    if (progress) progress(done);
  });

  if (set.val_fraction > 0 && set.count > 1) {
    const std::int64_t val =
        std::clamp<std::int64_t>(std::llround(set.val_fraction * static_cast<double>(set.count)), 1, set.count - 1);
    write_list(folder / "train.txt", 0, set.count - val);
    write_list(folder / "val.txt", set.count - val, set.count);
  }
}

}  // namespace weft
