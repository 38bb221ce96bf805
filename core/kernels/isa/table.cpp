#include "core/kernels/isa/kernels.h"

#define WEFT_STRING_OF(name) #name
#define WEFT_STRING(name) WEFT_STRING_OF(name)

namespace weft::kernels::WEFT_ISA {

extern const IsaKernels table;
const IsaKernels table = {
    .name = WEFT_STRING(WEFT_ISA),
    .pack_taps = pack_taps,
    .conv_taps = conv_taps,
    .conv_weight_gradient_scratch = conv_weight_gradient_scratch,
    .conv_weight_gradient = conv_weight_gradient,
    .winograd_tile = winograd_tile,
    .winograd_packed_floats = winograd_packed_floats,
    .winograd_pack = winograd_pack,
    .winograd_scratch = winograd_scratch,
    .winograd_convolve = winograd_convolve,
    .winograd_weight_gradient_scratch = winograd_weight_gradient_scratch,
    .winograd_weight_gradient = winograd_weight_gradient,
    .stem_packed_floats = stem_packed_floats,
    .stem_pack = stem_pack,
    .stem_forward = stem_forward,
    .stem_weight_gradient_scratch = stem_weight_gradient_scratch,
    .stem_weight_gradient = stem_weight_gradient,
    .depthwise_taps = depthwise_taps,
    .depthwise_forward = depthwise_forward,
    .depthwise_weight_gradient_scratch = depthwise_weight_gradient_scratch,
    .depthwise_weight_gradient = depthwise_weight_gradient,
    .pointwise_scratch = pointwise_scratch,
    .pointwise_forward = pointwise_forward,
    .pointwise_backward = pointwise_backward,
    .depthwise_backward_scratch = depthwise_backward_scratch,
    .depthwise_backward = depthwise_backward,
    .inverted_residual_packed_floats = inverted_residual_packed_floats,
    .inverted_residual_pack = inverted_residual_pack,
    .inverted_residual_scratch = inverted_residual_scratch,
    .inverted_residual = inverted_residual,
    .multiply_adds_in_registers = multiply_adds_in_registers,
    .column_deviations = column_deviations,
    .scale_shift_rows = scale_shift_rows,
    .column_gradients = column_gradients,
    .batch_norm_gradient_rows = batch_norm_gradient_rows,
    .max_pool_row = max_pool_row,
    .max_pool_gradient_rows = max_pool_gradient_rows,
    .sigmoid = sigmoid,
    .softplus_tail = softplus_tail,
};

}  // namespace weft::kernels::WEFT_ISA
