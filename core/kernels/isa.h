#pragma once
// Which instruction set the fast kernels use. All are in the program; the best that the processor has is taken at
// the first call. The environment variable WEFT_ISA=portable|avx2|avx512 forces one.

#include <cstdint>
#include <string>
#include <vector>

#include "core/kernels/isa/functions.h"

namespace weft::kernels {

/// The kernels in use. Throws Error where WEFT_ISA names an instruction set that is unknown or missing here.
const IsaKernels& isa_kernels();
/// "portable", "avx2" or "avx512".
const char* isa_name();
/// All that this processor can run, the plainest first.
std::vector<std::string> available_isas();
/// Switches to `name`, for tests; not while kernels run. Throws Error like isa_kernels().
void select_isa(const std::string& name);

}  // namespace weft::kernels
