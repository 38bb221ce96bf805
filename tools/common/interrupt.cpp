#include "tools/common/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <initializer_list>

namespace weft::tools {
namespace {

volatile sig_atomic_t signals_seen = 0;
const char* first_notice = "";

/// All that a handler may call: write(2).
void say(const char* text) {
  const int saved = errno;
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text, std::strlen(text));
  errno = saved;
}

extern "C" void on_signal(int signal) {
  if (signals_seen != 0) {
    say("\nstopped at once; what was saved is intact\n");
    ::_exit(128 + signal);
  }
  signals_seen = 1;
  say(first_notice);
}

}  // namespace

void catch_interrupts(const char* notice) {
  first_notice = notice;
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (int signal : {SIGINT, SIGTERM}) ::sigaction(signal, &action, nullptr);
}

bool interrupted() { return signals_seen != 0; }

}  // namespace weft::tools
