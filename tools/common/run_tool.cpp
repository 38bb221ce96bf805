#include "tools/common/run_tool.h"

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <new>
#include <string>

#include "core/listed_error.h"
#include "core/parallel.h"

namespace weft::tools {
namespace {

int report(int status, const std::string& message) {
  say_error(message);
  return status;
}

std::string without_breaks(std::string text) {  // CLI11 has some
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

CLI::Validator probability() {
  return {[](const std::string& text) {
            double value = 0;
            const bool is_number = CLI::detail::lexical_cast(text, value);
            return is_number && value >= 0 && value <= 1 ? std::string() : "expected a number from 0 to 1, got " + text;
          },
          "FLOAT in [0 - 1]", "probability"};
}

int run_tool(CLI::App& app, int argc, char** argv, const std::function<int()>& body) {
  int threads = 0;
  app.add_option("--threads", threads, "threads to compute with; default: all cores that this process may use")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  app.set_version_flag("--version", app.get_name() + " (weft) " WEFT_VERSION);
  app.get_formatter()->column_width(34);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wish) {  // --help or --version
    return app.exit(wish);
  } catch (const CLI::ParseError& error) {
    return report(2, without_breaks(error.what()) + " (" + app.get_name() + " --help lists the options)");
  }

  // A reader that has gone away (... | head) is an error of writing to be told of, not a reason to die in mid-work.
  ::signal(SIGPIPE, SIG_IGN);
  try {
    if (threads > 0) set_num_threads(threads);
    const int status = body();
    std::cout.flush();
    WEFT_CHECK(std::cout.good() && std::fflush(stdout) == 0 && std::ferror(stdout) == 0,
               "cannot write the results to stdout");
    return status;
  } catch (const UsageError& error) {
    return report(2, error.what());
  } catch (const ListedError& error) {
    for (const std::string& line : error.lines()) say(line);
    return report(1, error.summary());
  } catch (const std::bad_alloc&) {
    return report(1, "out of memory");
  } catch (const std::exception& error) {
    return report(1, error.what());
  }
}

}  // namespace weft::tools
