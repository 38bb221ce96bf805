#pragma once
// A model and all that its use asks for, in one object: pictures in, masks and cut-outs out.
//
//   const Cutter cutter = Cutter::open();                       // the model that comes with weft
//   save_png("mask.png", cutter.mask(load_image("photo.jpg")));

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "data/image.h"

namespace weft {

struct ModelInfo;  // models/model_file.h

struct CutterOptions {
  std::optional<double> threshold = std::nullopt;  // the probability from which a pixel is clothing; the model's own
  /// Height and width of the network's input, multiples of 32; the model's own where there is none.
  std::optional<std::array<int, 2>> size = std::nullopt;
  bool mirror = false;  // also looks at the mirrored picture and takes the mean: a little better, twice the time
};

/// What cut() is to make beside the mask.
struct CutParts {
  bool cutout = true;
  bool probabilities = true;
};

/// What a Cutter can say of a picture, all of the picture's own size.
struct Cut {
  Image mask;                        // 1 channel: 255 where there is clothing, else 0
  Image cutout;                      // RGBA: the picture, transparent where there is none, with soft edges
  std::vector<float> probabilities;  // [height, width], in [0, 1]
  double clothing = 0;               // share of the picture that is clothing
};

/// Opening reads the model and packs its weights; after that threads may use one Cutter at once. Each function runs the
/// network once, on the threads of core/parallel.h, with the same bits for any number of them. Pictures are RGB, of any
/// size from 1 x 1. All functions throw Error for a picture of another kind, and where memory is out.
class Cutter {
 public:
  /// A model file (models/model_file.h), by default the one that comes with weft (models/default_model.h). Throws Error
  /// where it can't be read, has more classes than one, or the options are out of range.
  static Cutter open(const std::filesystem::path& model = {}, const CutterOptions& options = {});

  Cutter(Cutter&&) noexcept;
  Cutter& operator=(Cutter&&) noexcept;
  ~Cutter();

  /// 1 channel: 255 where there is clothing, else 0. What infer_unet writes as a mask.
  Image mask(const Image& picture) const;
  /// RGBA: the picture's colours, and as alpha 0 to 255 with soft edges. What infer_unet writes as a cut-out.
  Image cutout(const Image& picture) const;
  /// [height, width], in [0, 1]: the network's own numbers, before any threshold.
  std::vector<float> probabilities(const Image& picture) const;
  /// Several of these from one run.
  Cut cut(const Image& picture, const CutParts& parts = {}) const;

  /// What the model's file says of it.
  const ModelInfo& info() const;

 private:
  struct State;
  explicit Cutter(std::unique_ptr<const State> state);
  std::unique_ptr<const State> state_;
};

}  // namespace weft
