#!/usr/bin/env bash
# Every parser under libFuzzer with the address and undefined-behaviour sanitizers (needs clang), TRUST_FUZZ_MINUTES
# minutes of processor time each (default 30), starting from its corpus in tests/fuzz/corpus. TRUST_FUZZ_TARGETS="png
# list" limits it to these. New inputs are kept in TRUST_FUZZ_KEEP (default: build folder + "-fuzz/found"), so that a
# further run goes on where this one stopped; an input that breaks a promise stays there as crash-*.
# The smoke version only replays the corpus and the regression files, with whatever compiler the build has.
set -euo pipefail
cd "$(dirname "$0")/../.."

targets=()
for file in tests/fuzz/fuzz_*.cpp; do
  name=$(basename "$file" .cpp)
  name=${name#fuzz_}
  if [ -z "${TRUST_FUZZ_TARGETS:-}" ] || [[ " $TRUST_FUZZ_TARGETS " == *" $name "* ]]; then targets+=("$name"); fi
done

if [ "$TRUST_SMOKE" = 1 ]; then
  for name in "${targets[@]}"; do
    corpus=tests/fuzz/corpus/$name
    [ -d "$corpus" ] || { echo "fuzz $name: corpus and regressions | none | skipped: no corpus"; continue; }
    count=$(find "$corpus" -type f | wc -l)
    if "$TRUST_BUILD/tests/replay_$name" "$corpus" 2> "$TRUST_WORK/log"; then found=0; else found="$(tail -1 "$TRUST_WORK/log")"; fi
    echo "fuzz $name: corpus and regressions | $count files | $found"
  done
  exit 0
fi

command -v clang++ > /dev/null || { echo "fuzz | needs clang++ | skipped: no clang++"; exit 0; }
fuzz_build=$TRUST_BUILD-fuzz
seconds=$(awk -v m="${TRUST_FUZZ_MINUTES:-30}" 'BEGIN { print int(60 * m) }')
keep=${TRUST_FUZZ_KEEP:-$fuzz_build/found}
cmake -S . -B "$fuzz_build" -G Ninja -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=RelWithDebInfo -DWEFT_FUZZ=ON \
  ${TRUST_CMAKE:-} >&2
ninja -C "$fuzz_build" -j "${TRUST_JOBS:-2}" "${targets[@]/#/fuzz_}" >&2

# Parts of at most a minute by the clock, until the processor time is used up: on a busy machine a minute is worth less.
fuzz() {
  local name=$1 inputs=0 used=0 status=0 part
  local found=$keep/$name options=(-print_final_stats=1 -rss_limit_mb=2048 -timeout=20 "-artifact_prefix=$keep/$name/")
  [ -f "tests/fuzz/$name.dict" ] && options+=("-dict=tests/fuzz/$name.dict")
  mkdir -p "$found"
  [ -d /dev/shm ] && export TMPDIR=/dev/shm  # the target that writes files waits for no disk
  while [ "$used" -lt "$seconds" ]; do
    part=$((seconds - used < 60 ? seconds - used : 60))
    TIMEFORMAT='processor %U %S'
    { time OMP_NUM_THREADS=1 "$fuzz_build/fuzz/fuzz_$name" "$found" "tests/fuzz/corpus/$name" \
        "${options[@]}" "-max_total_time=$part" > "$TRUST_WORK/log" 2>&1; } 2> "$TRUST_WORK/time" || status=$?
    inputs=$((inputs + $(awk '/number_of_executed_units/ { n = $2 } END { print n + 0 }' "$TRUST_WORK/log")))
    used=$(awk -v used="$used" '/^processor/ { print int(used + $2 + $3 + 0.5) }' "$TRUST_WORK/time")
    if [ "$status" -ne 0 ]; then
      tail -40 "$TRUST_WORK/log" >&2
      echo "fuzz $name | $inputs executions in $used s of processor time | $(grep -m1 -E 'SUMMARY|ERROR' "$TRUST_WORK/log" | tr -d '|' || echo "status $status"), see $found"
      return
    fi
  done
  echo "fuzz $name | $inputs executions in $used s of processor time | 0"
}
for name in "${targets[@]}"; do fuzz "$name"; done
