#!/usr/bin/env bash
# Concurrency: ThreadSanitizer on what runs in threads, and two processes in one folder. A line "check | inputs tried |
# findings" for each check. The smoke version leaves ThreadSanitizer out, which takes a build of its own.
#   tools/trust/concurrency.sh BUILD_DIR [--smoke]
set -uo pipefail
. "$(dirname "$0")/runs.bash"
source_folder=$(cd "$(dirname "$0")/../.." && pwd)

data=$scratch/data
make_data "$data" 9

# Two at once: one trains, the other is refused; a killed one keeps nobody out.
train "$data" "$scratch/run" --epochs 1000 --checkpoint-steps 1 --threads 1 > /dev/null 2>&1 &
first=$!
for ((i = 0; i < 300; ++i)); do
  [ -e "$scratch/run/checkpoint.safetensors" ] && break
  sleep 0.1
done
train "$data" "$scratch/run" --epochs 1000 --resume --threads 1 > /dev/null 2> "$scratch/err"
{ [ $? = 1 ] && one_error "$scratch/err" && grep -q 'another training is writing' "$scratch/err"; } || finding "the second training: $(cat "$scratch/err")"
{ pkill -KILL -P "$first" || kill -KILL "$first"; } 2> /dev/null
wait "$first" 2> /dev/null
train "$data" "$scratch/run" --epochs 1000 --max-steps 1 --resume --threads 1 > /dev/null 2> "$scratch/err" ||
  finding "after a killed training: $(cat "$scratch/err")"
report "two trainings in one folder: the second is refused, a killed one holds nothing" "1 pair, 1 kill"

# Two infer_unet over the same pictures into one folder: both succeed, the masks are those of one.
infer() { "$build/bin/infer_unet" "$data/JPEGImages" --model "$scratch/run/last.safetensors" --out "$1" --write mask,cutout --threads 1 > /dev/null 2> "$1.err"; }
infer "$scratch/alone" || finding "infer_unet: $(cat "$scratch/alone.err")"
rounds=$((smoke ? 2 : 20))
for ((i = 0; i < rounds; ++i)); do
  rm -rf "$scratch/both"
  infer "$scratch/both" &
  other=$!
  infer "$scratch/both" || finding "infer_unet beside another: $(cat "$scratch/both.err")"
  wait "$other" || finding "infer_unet beside another: $(cat "$scratch/both.err")"
  diff -r "$scratch/alone" "$scratch/both" >&2 || finding "two infer_unet: other files than one"
done
report "two infer_unet in one folder: the files of one" "$rounds pairs"

if [ $smoke = 1 ]; then
  skipped "ThreadSanitizer" "the smoke version makes no build"
  finish
fi
tsan=$build-tsan
cmake -S "$source_folder" -B "$tsan" -G Ninja -DWEFT_SANITIZE=thread ${TRUST_CMAKE:-} >&2 &&
  ninja -C "$tsan" -j "${TRUST_JOBS:-2}" test_core test_data infer_unet train_unet >&2 || finding "the build failed"
export TSAN_OPTIONS="halt_on_error=1 exitcode=66"
cd "$source_folder"
"$tsan/tests/test_core" "[parallel],[allocator],[threads]" >&2 || finding "workers, allocator, kernels"
"$tsan/tests/test_data" "[loader],[prefetch]" >&2 || finding "loader, prefetcher"
"$tsan/bin/infer_unet" "$data/JPEGImages" --model "$scratch/run/last.safetensors" --out "$scratch/tsan" --threads 3 > /dev/null || finding "infer_unet"
build=$tsan train "$data" "$scratch/tsan_run" --epochs 1 --threads 3 > /dev/null || finding "train_unet"
report "ThreadSanitizer" "workers, allocator, kernels, loader, prefetcher, infer_unet over a folder, a training, 3 threads"

finish
