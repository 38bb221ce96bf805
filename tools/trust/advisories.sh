#!/usr/bin/env bash
# Hostile pictures: small ones of each format cut at every byte, decompression bombs,
# tests/data/test_hostile_pictures.cpp, with the
# tests of the decoders. docs/reliability.md lists the advisories.
set -euo pipefail
cd "$(dirname "$0")/../.."

# check NAME TAGS: one line of the table for the tests with these tags.
check() {
  local found=0 inputs
  "$TRUST_BUILD/tests/test_data" "$2" > "$TRUST_WORK/log" 2>&1 || found="failed: test_data '$2'"
  inputs=$(grep -oE '[0-9]+ assertions? in [0-9]+ test cases?' "$TRUST_WORK/log" || grep -oE 'assertions: [0-9]+' "$TRUST_WORK/log" || echo "no tests")
  [ "$inputs" != "no tests" ] || found="no tests ran"
  [ "$found" = 0 ] || cat "$TRUST_WORK/log" >&2
  echo "$1 | $inputs | $found"
}

check "pictures cut at every byte, bombs" "[advisory]"
check "JPEG: every byte cut and damaged" "[jpeg]"
check "PNG: every byte cut and damaged" "[png]"
