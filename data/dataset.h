#pragma once
// A data set on disk: photographs and, beside them, masks with the same stems.
//
//   DIR/JPEGImages/0042.jpg            or the folder given as `images`
//   DIR/SegmentationClass/0042.png     or SegmentationClassAug (ATR as published), or `masks`
//
// Names are matched in any case where none matches to the letter (0042.JPG, 0042.PNG). Folders and files whose names
// begin with a dot (.DS_Store, ._0042.jpg) are not looked at.

#include <filesystem>
#include <string>
#include <vector>

#include "data/byte_reader.h"
#include "data/image.h"
#include "data/label_map.h"
#include "data/mask_file.h"
#include "data/picture_size.h"

namespace weft {

struct SampleFiles {
  std::string stem;
  std::filesystem::path picture, mask;
};

struct Sample {
  Image picture;   // RGB
  Image clothing;  // 0, 1 or ignored_pixel (data/ignored.h), of the picture's size
  Image ids;       // of the mask file, see data/mask_file.h
};

struct DatasetFolders {
  std::filesystem::path root;
  std::string images, masks;  // below root, may be the same one; empty: looked for under the published names
  MaskRules mask_rules = {};
};

class Dataset {
 public:
  /// All pictures (.jpg, .jpeg, .png) of the folder, by rising stem. Throws Error where a folder is missing or holds no
  /// pictures. Pictures without a mask, or with a stem that another one has, are left out and added to `problems`, a
  /// line each; without `problems` they throw ListedError.
  Dataset(const DatasetFolders& folders, const LabelMap& labels, std::vector<std::string>* problems = nullptr);
  /// Those that the list names, in its order: a text file with one stem a line. Throws Error for an empty list, a stem
  /// that occurs twice or leaves the folder. Stems without a picture or a mask as above.
  Dataset(const DatasetFolders& folders, const LabelMap& labels, const std::filesystem::path& list,
          std::vector<std::string>* problems = nullptr);

  std::size_t size() const { return samples_.size(); }
  const SampleFiles& files(std::size_t i) const { return samples_[i]; }
  const LabelMap& labels() const { return labels_; }
  int mask_threshold() const { return mask_threshold_; }

  /// Decodes picture and mask. Throws Error naming the file: unreadable, an unknown id, a mask of another size.
  Sample load(std::size_t i) const;
  /// The mask alone. Throws Error where it is unreadable; its ids are not looked up, nor its size compared.
  Image load_mask_ids(std::size_t i) const { return load_mask(samples_[i].mask, labels_, mask_threshold_); }

  /// These samples alone, in this order.
  Dataset subset(const std::vector<std::size_t>& indices) const;

  struct Split;
  /// Two data sets: `fraction` of the pictures, rounded, goes to validation (0 <= fraction < 1): those with the lowest
  /// hashes of stem and seed, so that a picture more moves at most one of the others. At least one goes to each side
  /// (0: none to validation); throws Error where there are not enough.
  Split split(double fraction, std::uint64_t seed) const;

 private:
  Dataset(std::vector<SampleFiles> samples, const LabelMap& labels, int mask_threshold)
      : samples_(std::move(samples)), labels_(labels), mask_threshold_(mask_threshold) {}
  std::vector<SampleFiles> samples_;
  LabelMap labels_;
  int mask_threshold_ = 0;  // MaskRules::threshold
};

struct Dataset::Split {
  Dataset train, validation;
};

/// What is said where mask and picture differ in size. A picture that is stored lying, and a mask that was drawn on it
/// so, are recognised.
std::string size_mismatch(const SampleFiles& files, const Image& mask, const PictureSize& picture);

/// The stems in a list file, in order: one a line; blank lines and carriage returns are skipped. Throws Error as above.
std::vector<std::string> read_list(const std::filesystem::path& list);
/// The same of a file's content; `name` begins the messages.
std::vector<std::string> parse_list(Bytes file, const std::string& name);

}  // namespace weft
