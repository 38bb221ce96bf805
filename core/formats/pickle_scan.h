#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace weft {

/// The first global that a pickle asks for and weft does not know, "os.system", whatever opcode asks: what a reader of
/// a refusal wants to know. Nothing is built; opcodes of all protocols are passed over by their lengths. Empty where
/// there is none, or where the bytes stop making sense before it. May hold anything: to be printed with printable().
std::string unknown_global(std::span<const std::byte> pickle);

}  // namespace weft
