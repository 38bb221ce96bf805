#include "tools/common/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <initializer_list>

namespace weft::tools {
namespace {

volatile sig_atomic_t signals_seen = 0;

extern "C" void on_signal(int signal) {
  if (signals_seen != 0) ::_exit(128 + signal);
  signals_seen = 1;
}

}  // namespace

void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (int signal : {SIGINT, SIGTERM}) ::sigaction(signal, &action, nullptr);
}

bool interrupted() { return signals_seen != 0; }

}  // namespace weft::tools
