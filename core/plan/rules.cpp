#include "core/plan/rules/rules.h"

namespace weft {

const std::vector<Rule>& plan_rules() {
  static const std::vector<Rule> rules = {
      {"fold_batch_norm", "batch norm in evaluation mode becomes part of the convolution before it", fold_batch_norm},
      {"finish_in_convolution", "an addition and a clamp in the convolution's last step", finish_in_convolution},
      {"upsample_convolution", "upsampling, concatenation and convolution in one", upsample_convolution},
      {"joined_convolution", "concatenation and convolution in one", joined_convolution},
      {"inverted_residual", "MobileNetV2's block by bands of rows", inverted_residual},
      {"pack_filters", "constant filters in their kernel's order", pack_filters},
      {"convolutions_by_rows", "the last convolutions in one pass", convolutions_by_rows},
      {"upsample_convolution_training", "upsampling, concatenation and convolution in one, and their gradients",
       upsample_convolution_training},
      {"batch_norm_in_one_pass", "batch norm, an addition and a clamp in one pass, and their gradients in two",
       batch_norm_in_one_pass},
      {"normalise_on_read", "what a batch norm makes is made by the convolution that reads it", normalise_on_read},
      {"both_gradients", "both gradients of a 1x1 convolution in one pass", both_gradients_at_once},
      {"statistics_while_storing", "a batch norm's statistics are taken while its input is stored",
       statistics_while_storing},
      {"add_where_it_lies", "a gradient is added to where the others lie", add_where_it_lies},
      {"sums_while_storing", "a batch norm's gradient sums are taken while its output's gradient is stored",
       sums_while_storing},
      {"gradient_on_read", "a batch norm's input gradient is made by the kernel that reads it", gradient_on_read},
      {"weight_gradient_first", "a convolution's input goes before its gradient is stored", weight_gradient_first},
  };
  return rules;
}

}  // namespace weft
