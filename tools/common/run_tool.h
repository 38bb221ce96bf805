#pragma once
// What every executable does alike: --help, --version, --threads; errors as one line and an exit status.

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "tools/common/message.h"

namespace weft::tools {

/// For options that are probabilities: a number from 0 to 1; CLI::Range lets "nan" pass.
CLI::Validator probability();

/// Adds the common options to `app`, parses the command line and returns body()'s exit status. Where body throws, or
/// the results could not be written to stdout, stderr gets one line "error: ..." and the status is 1; 2 for a
/// UsageError or a command line that does not parse. A ListedError's lines come before its "error: ...".
int run_tool(CLI::App& app, int argc, char** argv, const std::function<int()>& body);

}  // namespace weft::tools
