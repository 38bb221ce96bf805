#pragma once
// The rules; each one's file says what it replaces, why the two are equal, and what it gains.

#include "core/plan/rewrite.h"

namespace weft {

void fold_batch_norm(Rewrite& rewrite);
void finish_in_convolution(Rewrite& rewrite);
void upsample_convolution(Rewrite& rewrite);
void joined_convolution(Rewrite& rewrite);
void inverted_residual(Rewrite& rewrite);
void pack_filters(Rewrite& rewrite);
void convolutions_by_rows(Rewrite& rewrite);

void upsample_convolution_training(Rewrite& rewrite);
void batch_norm_in_one_pass(Rewrite& rewrite);
void normalise_on_read(Rewrite& rewrite);
void both_gradients_at_once(Rewrite& rewrite);
void statistics_while_storing(Rewrite& rewrite);
void add_where_it_lies(Rewrite& rewrite);
void sums_while_storing(Rewrite& rewrite);
void gradient_on_read(Rewrite& rewrite);
void weight_gradient_first(Rewrite& rewrite);

}  // namespace weft
