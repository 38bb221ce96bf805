#!/usr/bin/env bash
# Line coverage of core, nn, data and train by the fast test suite (gcov); at least 90% each is demanded. Builds into the
# build folder + "-coverage". Skipped in the smoke version, which would have to build everything a second time.
set -euo pipefail
cd "$(dirname "$0")/../.."

[ "$TRUST_SMOKE" = 0 ] || { echo "line coverage | needs a build of its own | skipped: smoke"; exit 0; }
build=$TRUST_BUILD-coverage
least=90
# Counters split a formula that gcc would else contract to a multiply-add, in one kernel and not in its twin; tests that
# demand equal bits then see a difference that no other build has. So nothing is contracted here.
flags="--coverage -O1 -fprofile-update=atomic -ffp-contract=off"
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS="$flags" \
  ${TRUST_CMAKE:-} >&2
ninja -C "$build" -j "${TRUST_JOBS:-2}" >&2
find "$build" -name '*.gcda' -delete
ctest --test-dir "$build" -L fast --output-on-failure -j "${TRUST_JOBS:-2}" >&2 || { echo "line coverage | fast suite | the suite fails"; exit 0; }

# gcov writes one json object for each object file; a line counts as run if any of them ran it.
find "$build" -name '*.gcda' -path '*weft_*' > "$TRUST_WORK/objects"
(cd "$TRUST_WORK" && xargs gcov --json-format --stdout < objects 2> /dev/null) |
  python3 tools/trust/line_coverage.py "$PWD" core nn data train > "$TRUST_WORK/table"
cat "$TRUST_WORK/table" >&2
awk -v least=$least '$1 == "folder" {
  printf "line coverage of %s | %d of %d lines, %.1f%% | %s\n", $2, $3, $4, $5, $5 >= least ? "0" : "below " least "%"
}' "$TRUST_WORK/table"
