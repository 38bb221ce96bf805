#pragma once

#include <string>

namespace weft::tools {

/// The command line as one can type it into a shell again, with quotes where they are needed; without the flag
/// `left_out`.
std::string command_text(int argc, const char* const* argv, const std::string& left_out = "");

}  // namespace weft::tools
