#pragma once
// Runs weft's executables as a user does.

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/temporary_folder.h"

namespace weft::test {

struct ProgramResult {
  int status = -1;  // exit status, or 128 + signal
  std::string out, err;
};

inline std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

/// Runs a line of shell and waits for it.
inline ProgramResult run_command(const std::string& command) {
  const TemporaryFolder folder;
  const std::string kept = "{ " + command + "; } > " + shell_quoted((folder / "out").string()) + " 2> " +
                           shell_quoted((folder / "err").string());
  const int raw = std::system(("sh -c " + shell_quoted(kept)).c_str());
  return {WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw), read_text(folder / "out"),
          read_text(folder / "err")};
}

/// Runs `program` of this build with these arguments and waits for it. `prepare` is shell code that runs first,
/// such as "ulimit -f 100;".
inline ProgramResult run_program(const std::string& program, const std::vector<std::string>& arguments,
                                 const std::string& prepare = "") {
  std::string command = prepare + " exec " + shell_quoted(std::string(WEFT_BIN_DIR) + "/" + program);
  for (const std::string& argument : arguments) command += " " + shell_quoted(argument);
  return run_command(command);
}

/// Starts a program in the background; returns its process id. Its stderr goes to the file `err`, its stdout nowhere.
inline pid_t start_program(const std::string& program, const std::vector<std::string>& arguments,
                           const std::string& err = "/dev/null") {
  const std::string path = std::string(WEFT_BIN_DIR) + "/" + program;
  std::vector<char*> pointers{const_cast<char*>(path.c_str())};
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    const int nowhere = ::open("/dev/null", O_WRONLY);
    ::dup2(nowhere, STDOUT_FILENO);
    ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
    ::execv(path.c_str(), pointers.data());
    ::_exit(127);
  }
  return child;
}

/// Waits for it; its exit status, or 128 + signal.
inline int wait_for(pid_t child) {
  int raw = 0;
  ::waitpid(child, &raw, 0);
  return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
}

}  // namespace weft::test
