#pragma once
// The rules; each one's file says what it replaces, why the two are equal, and what it gains.

#include "core/plan/rewrite.h"

namespace weft {

void fold_batch_norm(Rewrite& rewrite);
void finish_in_convolution(Rewrite& rewrite);
void upsample_convolution(Rewrite& rewrite);
void inverted_residual(Rewrite& rewrite);
void pack_filters(Rewrite& rewrite);
void convolutions_by_rows(Rewrite& rewrite);

}  // namespace weft
