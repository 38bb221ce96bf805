#include "core/plan/rules/rules.h"

namespace weft {

const std::vector<Rule>& plan_rules() {
  static const std::vector<Rule> rules = {
      {"fold_batch_norm", "batch norm in evaluation mode becomes part of the convolution before it", fold_batch_norm},
      {"finish_in_convolution", "an addition and a clamp in the convolution's last step", finish_in_convolution},
      {"upsample_convolution", "upsampling, concatenation and convolution in one", upsample_convolution},
      {"inverted_residual", "MobileNetV2's block by bands of rows", inverted_residual},
      {"pack_filters", "constant filters in their kernel's order", pack_filters},
      {"convolutions_by_rows", "the last convolutions in one pass", convolutions_by_rows},
  };
  return rules;
}

}  // namespace weft
