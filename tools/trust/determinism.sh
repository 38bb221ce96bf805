#!/usr/bin/env bash
# The same seed gives the same bytes: with 1, 2 and 3 threads, stopped and continued, in the least memory. A line
# "check | inputs tried | findings" for each check. (The loader's workers: tests/data/test_loader.cpp. Instruction sets
# agree within a bound: tests/models/test_numerics.cpp.)
#   tools/trust/determinism.sh BUILD_DIR [--smoke]      200 steps, or 30
set -uo pipefail
. "$(dirname "$0")/runs.bash"

steps=$((smoke ? 30 : 200))
data=$scratch/data
make_data "$data" 12
options=(--epochs 1000 --max-steps "$steps" --ema 0.99 --schedule constant --warmup 5 --augment strong)

# run NAME OPTION...: a run of its own, whose bytes must be those of the first.
run() {
  local name=$1
  shift
  train "$data" "$scratch/$name" "${options[@]}" "$@" > /dev/null 2> "$scratch/err" || finding "$name: $(cat "$scratch/err")"
}
check() { same_run "$scratch/first" "$scratch/$1" >&2 || finding "$1: other bytes than with one thread"; }

run first --threads 1
for threads in 2 3; do
  run "threads_$threads" --threads "$threads"
  check "threads_$threads"
done
report "any number of threads: the same bytes" "$steps steps with 1, 2 and 3 threads"

train "$data" "$scratch/stopped" "${options[@]}" --threads 2 > /dev/null 2>&1 &
pid=$!
steps_of() { cat "$1/metrics.jsonl" 2> /dev/null | wc -l; }
for ((i = 0; i < 3000 && $(steps_of "$scratch/stopped") < 5; ++i)); do sleep 0.01; done
pkill -TERM -P "$pid" 2> /dev/null
wait "$pid"
[ $? = 130 ] && [ "$(steps_of "$scratch/stopped")" -lt "$steps" ] || finding "it was over before it was stopped"
run stopped --threads 3 --resume
check stopped
report "stopped by SIGTERM and continued with another number of threads: the same bytes" "$steps steps"

least=$(train "$data" "$scratch/refused" "${options[@]}" --memory 1MB 2>&1 | sed -n 's/.*needs \([0-9]*\) MB at least.*/\1/p')
[ -n "$least" ] || finding "1 MB was not refused with what is needed"
run recomputed --threads 2 --memory "${least:-64}MB"
check recomputed
report "in the least memory, activations computed again in the backward pass: the same bytes" "$steps steps, $least MB"

finish
