#pragma once
// What the network said of a photograph, as pictures of the photograph's own size.

#include <vector>

#include "data/fit.h"
#include "data/image.h"

namespace weft {

class Tensor;

/// What is wanted beside the mask.
struct AnswerParts {
  bool probability = false;
  bool alpha = false;
  bool values = false;
};

struct Answer {
  Image mask;                 // 1 where the probability is at least the threshold, else 0
  Image probability;          // 0 to 255, where wanted
  Image alpha;                // of the cut-out, where wanted: data/render.h
  std::vector<float> values;  // the probabilities [height, width], where wanted
  double clothing = 0;        // share of the picture
};

/// canvas_logits [1, canvas_height, canvas_width, 1]. Goes in bands of rows, so that a photograph of 200 megapixels
/// takes bytes and no floats where nobody asks for them.
Answer answer_for(const Placement& placement, const Tensor& canvas_logits, double threshold,
                  const AnswerParts& parts = {});

}  // namespace weft
