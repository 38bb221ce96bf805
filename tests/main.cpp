// Catch2's main lives alone in this file: it takes ten seconds to compile and never changes.
#define CATCH_CONFIG_MAIN
#include "tests/catch.h"
